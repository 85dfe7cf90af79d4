# One program per planted bug, built on demand: the simulator's with one file of the engine compiled
# from a copy that has the bug. The linker takes that one and leaves the library's alone.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(planted_bugs ${CMAKE_CURRENT_SOURCE_DIR}/planted_bugs.py)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${planted_bugs})
execute_process(COMMAND ${Python3_EXECUTABLE} ${planted_bugs} list
  OUTPUT_VARIABLE bugs OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" bugs "${bugs}")

# A program that fails without the verdict of a check has not caught anything.
add_test(NAME sim.planted_bugs_are_caught_by_a_verdict_alone
  COMMAND ${Python3_EXECUTABLE} ${planted_bugs} expect sequence_nak_ignored /bin/false)
set_tests_properties(sim.planted_bugs_are_caught_by_a_verdict_alone PROPERTIES
  PASS_REGULAR_EXPRESSION "^NOT caught: exit status 1")

# Known at once when the code under a bug has changed, not when all are built.
add_test(NAME sim.planted_bugs_stand
  COMMAND ${Python3_EXECUTABLE} ${planted_bugs} stand ${PROJECT_SOURCE_DIR}/nic_fw)

# What all of them share, compiled once.
add_library(sim_soak_program OBJECT EXCLUDE_FROM_ALL soak.cc)
target_link_libraries(sim_soak_program PRIVATE mapwire_flags sim CLI11::CLI11)
add_library(sim_bulk_program OBJECT EXCLUDE_FROM_ALL bulk_test.cc)
target_link_libraries(sim_bulk_program PRIVATE mapwire_flags sim GTest::gmock GTest::gtest_main)

add_custom_target(planted_bugs)
add_test(NAME sim.planted.build
  COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target planted_bugs)
set_tests_properties(sim.planted.build PROPERTIES
  LABELS slow TIMEOUT 3600 FIXTURES_SETUP planted_bugs RUN_SERIAL ON)

foreach(bug IN LISTS bugs)
  separate_arguments(bug)
  list(GET bug 0 name)
  list(GET bug 1 file)
  list(GET bug 2 check)
  set(source ${PROJECT_SOURCE_DIR}/nic_fw/${file})
  # An object of its own, so that it can be left alone.
  set_source_files_properties(${source} TARGET_DIRECTORY mapwire
    PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  set(mutant ${CMAKE_CURRENT_BINARY_DIR}/planted/${name}/${file})
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/planted/${name})
  add_custom_command(OUTPUT ${mutant} DEPENDS ${source} ${planted_bugs}
    COMMAND ${Python3_EXECUTABLE} ${planted_bugs} plant ${name} ${source} ${mutant})
  if(check STREQUAL bulk)
    add_executable(planted_${name} EXCLUDE_FROM_ALL ${mutant})
    target_link_libraries(planted_${name} PRIVATE sim_bulk_program GTest::gmock GTest::gtest_main)
  else()
    add_executable(planted_${name} EXCLUDE_FROM_ALL ${mutant})
    target_link_libraries(planted_${name} PRIVATE sim_soak_program)
  endif()
  set_target_properties(planted_${name} PROPERTIES UNITY_BUILD OFF)
  target_link_libraries(planted_${name} PRIVATE mapwire_flags sim)
  target_compile_options(planted_${name} PRIVATE -w)  # a bug may leave something unused
  add_dependencies(planted_bugs planted_${name})
  add_test(NAME sim.planted.${name} COMMAND
    ${Python3_EXECUTABLE} ${planted_bugs} expect ${name} $<TARGET_FILE:planted_${name}>)
  set_tests_properties(sim.planted.${name} PROPERTIES
    LABELS slow TIMEOUT 600 FIXTURES_REQUIRED planted_bugs)
endforeach()
