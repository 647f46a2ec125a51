# fiso_library(NAME [DIR folder] [DEPS fiso libraries...] [LINKS third-party targets...] [TEST_LINKS targets for its tests...]
#
# One folder of src/ is one library: its *.cc become fiso_NAME, its *_test.cc become one GoogleTest program
# fiso_NAME_test, and testing/ holds fakes that tests of any library may include. DEPS is the dependency graph:
# tools/lint/layers.py reads these lines and refuses an include that no DEPS line allows.

add_library(fiso_flags INTERFACE)
target_compile_options(fiso_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor
  -Wno-sign-conversion -Wno-missing-field-initializers -Werror=unused-result -Werror=return-type -fno-omit-frame-pointer)
target_include_directories(fiso_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(fiso_flags INTERFACE FISO_VERSION="${PROJECT_VERSION}")

function(fiso_library name)
  cmake_parse_arguments(ARG "" "DIR" "DEPS;LINKS;TEST_LINKS" ${ARGN})
  if(NOT ARG_DIR)
    set(ARG_DIR ${name})
  endif()
  set(folder ${PROJECT_SOURCE_DIR}/src/${ARG_DIR})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cc)
  # A folder inside this one that has a line of its own is another library.
  get_property(nested GLOBAL PROPERTY FISO_NESTED_DIRS)
  foreach(dir IN LISTS nested)
    if(dir MATCHES "^${ARG_DIR}/")
      list(FILTER sources EXCLUDE REGEX "/src/${dir}/")
    endif()
  endforeach()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")

  list(TRANSFORM ARG_DEPS PREPEND fiso_)
  if(sources)
    add_library(fiso_${name} STATIC ${sources})
    target_link_libraries(fiso_${name} PUBLIC fiso_flags ${ARG_DEPS} ${ARG_LINKS})
  else()
    add_library(fiso_${name} INTERFACE)  # headers only
    target_link_libraries(fiso_${name} INTERFACE fiso_flags ${ARG_DEPS} ${ARG_LINKS})
  endif()

  get_property(untested GLOBAL PROPERTY FISO_UNTESTED)
  if(tests AND BUILD_TESTING AND NOT name IN_LIST untested)
    add_executable(fiso_${name}_test ${tests})
    target_link_libraries(fiso_${name}_test PRIVATE fiso_${name} ${ARG_TEST_LINKS} GTest::gmock GTest::gmock_main)
    fiso_discover_tests(fiso_${name}_test)
  endif()
endfunction()

# Registers every test of a program with CTest, labelled with the program's name. Those whose name ends in _Long repeat
# something: they are registered once more, labelled `long`, with FISO_LONG=1, which tells them to do so thousands of times.
include(GoogleTest)
function(fiso_discover_tests target)
  set(environment "FISO_GUESTS=${PROJECT_BINARY_DIR}/guests")
  gtest_discover_tests(${target} DISCOVERY_TIMEOUT 120 DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT 120 LABELS "${target}" ENVIRONMENT "${environment}")
  gtest_discover_tests(${target} DISCOVERY_TIMEOUT 120 DISCOVERY_MODE PRE_TEST
    TEST_FILTER "*_Long*" TEST_PREFIX "long/" TEST_LIST ${target}_LONG_TESTS
    PROPERTIES TIMEOUT 1800 LABELS long ENVIRONMENT "${environment}" ENVIRONMENT_MODIFICATION "FISO_LONG=set:1")
endfunction()
