# What every target of this project shares: language level, warnings, output folders, sanitizers.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# Functions and lines, which a backtrace needs; types and variables cost a quarter of a compilation.
foreach(flags CMAKE_CXX_FLAGS_RELWITHDEBINFO CMAKE_CXX_FLAGS_DEBUG CMAKE_C_FLAGS_RELWITHDEBINFO
              CMAKE_C_FLAGS_DEBUG)
  string(REGEX REPLACE "-g( |$)" "-g1\\1" ${flags} "${${flags}}")
endforeach()

find_program(TALLYBUS_CCACHE ccache)
if(TALLYBUS_CCACHE)
  # Paths relative to the checkout, so that another clone of it finds the same objects. The
  # sloppiness is what precompiled headers ask for.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
               CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
               ${TALLYBUS_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

set(TALLYBUS_SANITIZE "" CACHE STRING "Sanitizers for every target, for example address,undefined")
if(TALLYBUS_SANITIZE)
  add_compile_options(-fsanitize=${TALLYBUS_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TALLYBUS_SANITIZE})
endif()

# Warnings for our own code; generated code is left alone.
add_library(tallybus_warnings INTERFACE)
target_compile_options(tallybus_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  # GCC 12 warns of std::string's own operator+ (its bug 105329).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  # It takes the inactive member of a std::variant that is moved for one that is read.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)

# What every test runs with.
set(TALLYBUS_TEST_ENVIRONMENT
  "TALLYBUS_BIN_DIR=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}"
  "TALLYBUS_LIB_DIR=${CMAKE_LIBRARY_OUTPUT_DIRECTORY}"
  "TALLYBUS_SANITIZED=${TALLYBUS_SANITIZE}"
  "PYTHONDONTWRITEBYTECODE=1"
  "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp"
  "UBSAN_OPTIONS=print_stacktrace=1")

# What a library of precompiled headers has as its source.
set(no_source ${PROJECT_BINARY_DIR}/precompiled.cc)
if(NOT EXISTS ${no_source})  # one that is written again would compile all again
  file(WRITE ${no_source} "")
endif()

# tallybus_precompiled_headers(<target>): reads for it what all of core, the transports and the apps
# read, the standard library and Abseil: else a second of each file, a third of what core's take.
# None of our own, so that a changed header costs no more than before. A file still includes what it
# uses: TALLYBUS_PRECOMPILE=OFF builds without, and Bazel always does.
option(TALLYBUS_PRECOMPILE "Precompile the headers of the standard library and of Abseil" ON)
if(TALLYBUS_PRECOMPILE AND core IN_LIST TALLYBUS_COMPONENTS)
  add_library(tallybus_headers OBJECT ${no_source})
  target_link_libraries(tallybus_headers PRIVATE absl::flat_hash_map absl::statusor absl::time
                                                 tallybus_warnings)
  target_precompile_headers(tallybus_headers PRIVATE
    <algorithm> <array> <functional> <map> <memory> <mutex> <optional> <span> <string>
    <string_view> <utility> <vector> <absl/container/flat_hash_map.h> <absl/status/status.h>
    <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/time/time.h>)
endif()
function(tallybus_precompiled_headers target)
  if(TARGET tallybus_headers)
    target_precompile_headers(${target} REUSE_FROM tallybus_headers)
    # GCC 12 misjudges what it inlines of std::string more often where that was precompiled; the
    # build without still gives these warnings.
    target_compile_options(${target} PRIVATE
      "$<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>")
  endif()
endfunction()

# GoogleMock costs three seconds of each file that reads it, and optimizing what it expands to three
# more: it is precompiled, and a test's own code is not optimized (what it tests is).
set(TALLYBUS_TEST_OPTIONS -O0 -g1)
if(TALLYBUS_BUILD_TESTS)
  add_library(tallybus_test_headers OBJECT ${no_source})
  set_target_properties(tallybus_test_headers PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(tallybus_test_headers PRIVATE -fPIE ${TALLYBUS_TEST_OPTIONS})
  target_link_libraries(tallybus_test_headers PRIVATE tallybus_warnings GTest::gmock absl::status
                                                      absl::time)
  target_precompile_headers(tallybus_test_headers PRIVATE
    <gmock/gmock.h> <gtest/gtest.h> <absl/status/statusor.h> <absl/time/time.h> <string> <vector>)
endif()

# Some 280 programs are linked for the tests: what links one in a third of the time is taken
# where it is here. The daemon and its libraries keep the compiler's own linker.
find_program(TALLYBUS_LLD ld.lld)

# tallybus_test(<source> [OPTIMIZED] [LIBS lib...]): one GoogleTest program, named by its path.
# OPTIMIZED: its own code does much of the work.
function(tallybus_test source)
  cmake_parse_arguments(ARG "OPTIMIZED" "" "LIBS" ${ARGN})
  file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  string(REGEX REPLACE "\\.cc$" "" name ${name})
  string(REPLACE "/" "_" target ${name})
  add_executable(${target} ${source})
  target_link_libraries(${target} PRIVATE tallybus_warnings ${ARG_LIBS} GTest::gmock_main)
  if(TALLYBUS_LLD)
    target_link_options(${target} PRIVATE -fuse-ld=lld)
  endif()
  if(NOT ARG_OPTIMIZED)
    target_compile_options(${target} PRIVATE ${TALLYBUS_TEST_OPTIONS})
    target_precompile_headers(${target} REUSE_FROM tallybus_test_headers)
  endif()
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${target})
  # A guard against hanging, no measure: some play a week through, which takes minutes under a
  # sanitizer on a machine that does much else.
  set_tests_properties(${name} PROPERTIES TIMEOUT 600
                       ENVIRONMENT "${TALLYBUS_TEST_ENVIRONMENT}")
endfunction()
