# Compiler settings that hold for every target of the project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

# A faster linker where one is installed; none is needed.
option(EVENTBUS_FAST_LINKER "Link with mold or lld if installed" ON)
if(EVENTBUS_FAST_LINKER)
  find_program(EVENTBUS_MOLD mold)
  find_program(EVENTBUS_LLD NAMES ld.lld)
  if(EVENTBUS_MOLD AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12.1)
    add_link_options(-fuse-ld=mold)
  elseif(EVENTBUS_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()

find_program(EVENTBUS_CCACHE ccache)
if(EVENTBUS_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${EVENTBUS_CCACHE}")
endif()

# What our own code compiles with; generated code is exempt.
add_library(eventbus_warnings INTERFACE)
target_compile_options(eventbus_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
  # GCC 12 sees an overlap in std::string's own operator+ when it optimizes (GCC bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  $<$<BOOL:${EVENTBUS_WERROR}>:-Werror>)

if(EVENTBUS_SANITIZE)
  string(REPLACE ";" "," EVENTBUS_SANITIZE_LIST "${EVENTBUS_SANITIZE}")
  # What a sanitizer finds ends the program: a finding that only prints would pass a test.
  add_compile_options(-fsanitize=${EVENTBUS_SANITIZE_LIST} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer
                      # GCC guesses wrong about code that a sanitizer has rewritten.
                      -Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${EVENTBUS_SANITIZE_LIST})
endif()
