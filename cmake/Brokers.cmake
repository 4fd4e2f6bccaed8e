# Which brokers are built in: those whose library is here, unless an option says otherwise.
find_package(PkgConfig REQUIRED)

# tallybus_broker(<name> <pkg-config module> <Debian package>): reads TALLYBUS_WITH_<NAME>. Sets
# TALLYBUS_HAS_<NAME>; where it is on, PkgConfig::<NAME> is the library, and transports/<name> the
# folder, whose target tallybus_transport_<name> is added to TALLYBUS_OPTIONAL.
macro(tallybus_broker name module package)
  string(TOUPPER ${name} broker)
  set(TALLYBUS_WITH_${broker} AUTO CACHE STRING
      "The transport ${name}, by ${module}: ON, OFF, or AUTO where the library is here")
  set(TALLYBUS_HAS_${broker} OFF)
  if(TALLYBUS_WITH_${broker})  # AUTO is no false word either
    pkg_check_modules(${broker} QUIET IMPORTED_TARGET GLOBAL ${module})
    set(TALLYBUS_HAS_${broker} ${${broker}_FOUND})
  endif()
  if(TALLYBUS_HAS_${broker})
    message(STATUS "Transport ${name}: built, with ${module} ${${broker}_VERSION}")
    add_subdirectory(${name})
    list(APPEND TALLYBUS_OPTIONAL tallybus_transport_${name})
    list(APPEND TALLYBUS_OPTIONAL_DEFINITIONS TALLYBUS_HAS_${broker})
  elseif(TALLYBUS_WITH_${broker} STREQUAL "AUTO")
    message(STATUS "Transport ${name}: not built, there is no ${module} (Debian: ${package})")
  elseif(TALLYBUS_WITH_${broker})
    message(FATAL_ERROR
      "TALLYBUS_WITH_${broker} is ON, and there is no ${module} (Debian: ${package})")
  else()
    message(STATUS "Transport ${name}: not built, TALLYBUS_WITH_${broker} is OFF")
  endif()
endmacro()
