# Debian's packages that several folders use; found once, here, so that all see the same targets.
find_package(Threads REQUIRED)
if(core IN_LIST TALLYBUS_COMPONENTS)
  find_package(absl REQUIRED)
  find_package(simdjson REQUIRED)
endif()
if(TALLYBUS_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
