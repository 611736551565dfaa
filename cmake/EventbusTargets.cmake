# Precompiled headers, each compiled once and reused by many targets: what most files include, the same with
# gRPC, and the same with GoogleTest.
set(EVENTBUS_PRECOMPILED_DEPS
  absl::any_invocable absl::btree absl::flat_hash_map absl::flat_hash_set absl::function_ref
  absl::inlined_vector absl::span absl::status absl::statusor absl::strings absl::time)

# eventbus_precompiled(NAME HEADER… [DEPS…] [OPTIONS…])
function(eventbus_precompiled name)
  cmake_parse_arguments(arg "" "" "DEPS;OPTIONS" ${ARGN})
  add_library(${name} OBJECT "${PROJECT_SOURCE_DIR}/cmake/precompiled.cc")
  target_link_libraries(${name} PRIVATE ${EVENTBUS_PRECOMPILED_DEPS} ${arg_DEPS} eventbus_warnings)
  target_compile_options(${name} PRIVATE ${arg_OPTIONS})
  target_precompile_headers(${name} PRIVATE
    "${PROJECT_SOURCE_DIR}/cmake/precompiled.h" ${arg_UNPARSED_ARGUMENTS})
endfunction()

# The tests are compiled without optimization: their code runs once, and to optimize it took half of a cold
# build. What they test is compiled like the product.
set(EVENTBUS_TEST_OPTIONS -O0 -g1 -fPIC)
eventbus_precompiled(eventbus_precompiled_plain)
eventbus_precompiled(eventbus_precompiled_grpc <grpcpp/grpcpp.h> DEPS gRPC::grpc++)
if(EVENTBUS_BUILD_TESTS)
  eventbus_precompiled(eventbus_precompiled_tests <gmock/gmock.h> <gtest/gtest.h>
    DEPS GTest::gmock GTest::gtest OPTIONS ${EVENTBUS_TEST_OPTIONS})
endif()

# eventbus_library(NAME SOURCES… [DEPS…] [GRPC | PRECOMPILED OF])  one room of the house as a static library.
# Where most files use gRPC, GRPC says so; PRECOMPILED names another precompiled header than these two.
# Includes are written from the top of the repository: #include "server/broker/pattern.h".
function(eventbus_library name)
  cmake_parse_arguments(arg "GRPC" "PRECOMPILED" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE eventbus_warnings)
  if(arg_GRPC)
    set(arg_PRECOMPILED eventbus_precompiled_grpc)
  elseif(NOT arg_PRECOMPILED)
    set(arg_PRECOMPILED eventbus_precompiled_plain)
  endif()
  target_precompile_headers(${name} REUSE_FROM ${arg_PRECOMPILED})
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
# under the thread sanitizer: tests of what more than one thread works on, without gRPC and mutexes of
# Abseil, whose libraries are not built for it.
function(eventbus_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE ${EVENTBUS_TEST_OPTIONS})
  target_precompile_headers(${name} REUSE_FROM eventbus_precompiled_tests)
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
