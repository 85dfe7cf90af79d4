# Installation: library, command, public headers, CMake package, pkg-config file, JSON schemas.
include(CMakePackageConfigHelpers)
set(mapwire_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mapwire)
set(mapwire_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS mapwire EXPORT mapwire-targets)
install(TARGETS mapwire_command)
foreach(header IN LISTS mapwire_public_headers)
  cmake_path(GET header PARENT_PATH layer)
  install(FILES ${PROJECT_SOURCE_DIR}/${header}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mapwire/${layer})
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/schema
  DESTINATION ${CMAKE_INSTALL_DATADIR}/mapwire OPTIONAL)

# find_package(mapwire) gives mapwire::mapwire.
install(EXPORT mapwire-targets NAMESPACE mapwire:: DESTINATION ${mapwire_package_dir})
configure_package_config_file(cmake/mapwire-config.cmake.in mapwire-config.cmake
  INSTALL_DESTINATION ${mapwire_package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a new minor version may break its users.
write_basic_package_version_file(mapwire-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/mapwire-config.cmake ${PROJECT_BINARY_DIR}/mapwire-config-version.cmake
  DESTINATION ${mapwire_package_dir})

# pkg-config: a static library needs what it stands on at every link, a shared one brings it along.
get_target_property(mapwire_type mapwire TYPE)
if(mapwire_type STREQUAL "SHARED_LIBRARY")
  set(mapwire_pc_private ".private")
endif()
# The prefix is found from the place of the file, so that `cmake --install --prefix` may choose it.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${mapwire_pkgconfig_dir}
  OUTPUT_VARIABLE mapwire_pc_to_prefix)
configure_file(cmake/mapwire.pc.in mapwire.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/mapwire.pc DESTINATION ${mapwire_pkgconfig_dir})
