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

# With the cache of compilations shared by all checkouts of a machine, wherever they lie.
find_program(EVENTBUS_CCACHE ccache)
if(EVENTBUS_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${EVENTBUS_CCACHE}")
  # The cache wants it, to tell one precompiled header from another by its content.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()

# What hiredis and the thread library ask of those who use them; said for all, since precompiled headers are
# shared by targets that agree on every such flag.
add_compile_definitions(_FILE_OFFSET_BITS=64)
add_compile_options(-pthread)

# What our own code compiles with; generated code is exempt.
add_library(eventbus_warnings INTERFACE)
target_compile_options(eventbus_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
  # GCC 12 sees overlaps and overflows in std::string's own members when it optimizes (GCC bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict;-Wno-stringop-overflow>
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
