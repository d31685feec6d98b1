# Asks a doctest executable for its cases and writes one CTest entry for each. In place of doctest's own
# doctest_discover_tests because that loses names with an unbalanced bracket or a semicolon ("slopes in [0, 1)"),
# and passes a case that its filter never matched.
# Takes EXECUTABLE, PREFIX (before each name) and LIST (the file to write).
execute_process(COMMAND "${EXECUTABLE}" --list-test-cases --no-version
                OUTPUT_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${EXECUTABLE} --list-test-cases ended with ${result}:\n${output}")
endif()

# CMake lists split at semicolons and join inside brackets: hide these while going line by line.
string(ASCII 1 open)
string(ASCII 2 close)
string(ASCII 3 semicolon)
string(REPLACE "[" "${open}" output "${output}")
string(REPLACE "]" "${close}" output "${output}")
string(REPLACE ";" "${semicolon}" output "${output}")
string(REPLACE "\n" ";" lines "${output}")

set(script "")
foreach(line IN LISTS lines)
  if(line STREQUAL "" OR line MATCHES "^=+$" OR line MATCHES "^${open}doctest${close}")
    continue()
  endif()
  # In doctest's filter a comma splits, a backslash or quote escapes; '?' matches any one character.
  string(REGEX REPLACE "[,\\\"${semicolon}${open}${close}]" "?" filter "${line}")
  set(name "${PREFIX}: ${line}")
  string(REPLACE "${open}" "[" name "${name}")
  string(REPLACE "${close}" "]" name "${name}")
  string(REPLACE "${semicolon}" "," name "${name}")
  string(APPEND script
    "add_test([==[${name}]==] [==[${EXECUTABLE}]==] [==[--test-case=${filter}]==])\n"
    "set_tests_properties([==[${name}]==] PROPERTIES TIMEOUT 300 LABELS [==[${PREFIX}]==]"
    " SKIP_REGULAR_EXPRESSION [==[skipped: ]==] FAIL_REGULAR_EXPRESSION [==[test cases: +0 ]==])\n")
endforeach()
file(WRITE "${LIST}" "${script}")
