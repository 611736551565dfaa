# eventbus_library(NAME SOURCES… [DEPS…])  one room of the house as a static library.
# Includes are written from the top of the repository: #include "server/broker/pattern.h".
function(eventbus_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE eventbus_warnings)
endfunction()

# eventbus_executable(NAME SOURCES… [DEPS…])  a program in build/<preset>/bin.
function(eventbus_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} eventbus_warnings)
endfunction()

# Targets that build all tests of one label, however many there are yet: tests-unit, tests-tsan, …
foreach(label unit simulation tsan)
  add_custom_target(tests-${label})
endforeach()

# eventbus_test(NAME SOURCES… [DEPS…] [LABELS…])  one GoogleTest program, one ctest entry.
# Labels: unit (no network, seconds), simulation, e2e, fuzz, chaos; and tsan, for what is also run
# under the thread sanitizer. Unit tests of loop, broker and store get that one by themselves; a test
# of a queue between threads elsewhere asks for it: LABELS unit tsan.
function(eventbus_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  file(RELATIVE_PATH folder "${PROJECT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  if(folder MATCHES "^tests/unit/(loop|broker|store)(/|$)")
    list(APPEND arg_LABELS tsan)
  endif()
  list(REMOVE_DUPLICATES arg_LABELS)

  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} GTest::gmock GTest::gtest GTest::gtest_main eventbus_warnings)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
  foreach(label IN LISTS arg_LABELS)
    if(NOT TARGET tests-${label})
      add_custom_target(tests-${label})
    endif()
    add_dependencies(tests-${label} ${name})
  endforeach()
endfunction()
