# SPDX-License-Identifier: Apache-2.0
# How every target of this project is built: flags, dependencies, and three helpers (library, test, fuzzer).

find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBBPF REQUIRED IMPORTED_TARGET libbpf)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

option(TERCEL_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(TERCEL_MUTATION "Test that the proofs notice a compiler that is broken in named ways" OFF)
option(TERCEL_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Werror -fno-omit-frame-pointer)
add_compile_definitions(_GNU_SOURCE)
if(TERCEL_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()
if(TERCEL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

# tercel_library(NAME SOURCE…): the static library tercel_NAME, to be linked into programs and plugins.
function(tercel_library name)
  add_library(tercel_${name} STATIC ${ARGN})
  target_include_directories(tercel_${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/engine)
endfunction()

# tercel_test_properties(NAME LABEL): what every test of a label has in common. Exit status 77 means skipped.
# Tests that act on the live kernel run alone: they assert on counters, and benchmarks on time.
function(tercel_test_properties name label)
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 600 SKIP_RETURN_CODE 77)
  if(NOT label MATCHES "^(unit|property|fuzz|docs)$")
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

# tercel_test(NAME LABEL SOURCE LIBRARY…): a cmocka program, run by ctest under that label.
function(tercel_test name label source)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARGN} PkgConfig::CMOCKA)
  target_compile_definitions(${name} PRIVATE TERCEL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  tercel_test_properties(${name} ${label})
endfunction()

# tercel_fuzzer(NAME SOURCE CORPUS LIBRARY…): a libFuzzer program; only in the fuzz preset.
function(tercel_fuzzer name source corpus)
  if(TERCEL_FUZZ)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${ARGN})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_compile_definitions(${name} PRIVATE TERCEL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    # The corpus of the tree is read, never written: what a run finds goes to the build directory.
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/corpus/${name})
    add_test(NAME ${name} COMMAND ${name} -max_total_time=60 -timeout=10 -rss_limit_mb=2048
                          ${CMAKE_BINARY_DIR}/corpus/${name} ${corpus})
    tercel_test_properties(${name} fuzz)
  endif()
endfunction()

function(tercel_subdirectory dir)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/CMakeLists.txt)
    add_subdirectory(${dir})
  endif()
endfunction()
