# Asks a doctest executable for its cases and writes one CTest entry for each. In place of doctest's own
# doctest_discover_tests because that loses names with an unbalanced bracket or a semicolon ("slopes in [0, 1)"),
# and passes a case that its filter never matched. Cases of the suite "slow" get the label slow:
#   TEST_CASE("every f32 is right" * doctest::test_suite("slow")) { ... }
# Takes EXECUTABLE, PREFIX (before each name) and LIST (the file to write).

cmake_minimum_required(VERSION 3.25)

# CMake lists split at semicolons, unless after a backslash, and join inside brackets: these characters stand for
# them while going line by line.
string(ASCII 1 open)
string(ASCII 2 close)
string(ASCII 3 semicolon)
string(ASCII 4 backslash)

# list_cases(variable filters...): the names of the cases, encoded.
function(list_cases variable)
  execute_process(COMMAND "${EXECUTABLE}" --list-test-cases --no-version ${ARGN}
                  OUTPUT_VARIABLE output RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${EXECUTABLE} --list-test-cases ended with ${result}:\n${output}")
  endif()
  string(REPLACE "[" "${open}" output "${output}")
  string(REPLACE "]" "${close}" output "${output}")
  string(REPLACE ";" "${semicolon}" output "${output}")
  string(REPLACE "\\" "${backslash}" output "${output}")
  string(REPLACE "\n" ";" lines "${output}")
  list(FILTER lines EXCLUDE REGEX "^$|^=+$|^${open}doctest${close}")
  set(${variable} "${lines}" PARENT_SCOPE)
endfunction()

list_cases(cases)
list_cases(slow_cases --test-suite=slow)
set(script "")
foreach(case IN LISTS cases)
  # In doctest's filter a comma splits, a backslash or quote escapes; '?' matches any one character.
  string(REGEX REPLACE "[,\"${semicolon}${backslash}${open}${close}]" "?" filter "${case}")
  set(name "${PREFIX}: ${case}")
  string(REPLACE "${open}" "[" name "${name}")
  string(REPLACE "${close}" "]" name "${name}")
  string(REPLACE "${semicolon}" "," name "${name}")
  string(REPLACE "${backslash}" "\\" name "${name}")
  set(labels "${PREFIX}")
  if(case IN_LIST slow_cases)
    set(labels "${PREFIX};slow")
  endif()
  string(APPEND script
    "add_test([==[${name}]==] [==[${EXECUTABLE}]==] [==[--test-case=${filter}]==])\n"
    "set_tests_properties([==[${name}]==] PROPERTIES TIMEOUT 900 LABELS [==[${labels}]==]"
    " SKIP_REGULAR_EXPRESSION [==[skipped: ]==] FAIL_REGULAR_EXPRESSION [==[test cases: +0 ]==])\n")
endforeach()
file(WRITE "${LIST}" "${script}")
