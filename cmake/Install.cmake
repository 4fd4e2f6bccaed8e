# What `cmake --install` puts where, and the package that find_package(Tallybus) reads.
#
# Each component has an export set and a targets file of its own, so that the engine library can be
# used where nothing of what core needs is installed.
include(CMakePackageConfigHelpers)

set(tallybus_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Tallybus)

# Writes Tallybus<name>Targets.cmake for the export set of that name.
function(tallybus_install_export name component)
  install(EXPORT Tallybus${name}
    FILE Tallybus${name}Targets.cmake
    NAMESPACE Tallybus::
    DESTINATION ${tallybus_package_dir}
    COMPONENT ${component})
endfunction()

# The headers of the C interfaces, and nothing else: what a transport of one's own is built with.
set_target_properties(tallybus_abi PROPERTIES EXPORT_NAME abi)
install(TARGETS tallybus_abi EXPORT TallybusAbi)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/plugins/abi/include/tallybus
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT abi
  FILES_MATCHING PATTERN "*.h")
tallybus_install_export(Abi abi)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/plugins/template/
  DESTINATION ${CMAKE_INSTALL_DATADIR}/tallybus/template COMPONENT abi)

if(TARGET tallybus_engine)
  set_target_properties(tallybus_engine PROPERTIES EXPORT_NAME engine)
  install(TARGETS tallybus_engine EXPORT TallybusEngine
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT engine)
  tallybus_install_export(Engine engine)
endif()

if(TARGET tallybus_core)
  set_target_properties(tallybus_proto PROPERTIES EXPORT_NAME proto)
  install(TARGETS tallybus_core tallybus_proto EXPORT TallybusCore
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT core)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/core/include/tallybus
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT core
    FILES_MATCHING PATTERN "*.h")
  tallybus_install_export(Core core)
endif()

if(TARGET tallybusd)
  install(TARGETS tallybusd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT daemon)
  # Where libtallybus_engine.so is: it looks for it beside itself.
  install(TARGETS tallybus_router LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT daemon)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/apps/web-client
    DESTINATION ${CMAKE_INSTALL_DATADIR}/tallybus COMPONENT daemon)
endif()

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/TallybusConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/TallybusConfig.cmake
  INSTALL_DESTINATION ${tallybus_package_dir}
  NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change what a C++ program sees.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/cmake/TallybusConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/cmake/TallybusConfig.cmake
  ${PROJECT_BINARY_DIR}/cmake/TallybusConfigVersion.cmake
  DESTINATION ${tallybus_package_dir} COMPONENT abi)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tallybus)
