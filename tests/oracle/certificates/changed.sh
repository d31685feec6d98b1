#!/bin/bash
# changed.sh PROGRAM FILE: a file with one changed expectation or one unknown field makes PROGRAM fail, with a line
# that names the case.
set -euo pipefail
program="$1" file="$2"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
networks="$(dirname "$file")/analyses.json"

expect_failure() {  # expect_failure WHAT PATTERN
  if "$program" "$folder/changed.json" "$networks" >"$folder/out"; then
    echo "not noticed: $1"
    exit 1
  fi
  grep -q "$2" "$folder/out" || { echo "not said: $2"; cat "$folder/out"; exit 1; }
}

sed '0,/"accepted"/s//"rejected"/' "$file" >"$folder/changed.json"
cmp -s "$file" "$folder/changed.json" && { echo "nothing was changed"; exit 1; }
expect_failure "a changed expectation" 'FAIL .*: accepted, want rejected'
sed '0,/"expect"/s//"surprise": 1, "expect"/' "$file" >"$folder/changed.json"
expect_failure "an unknown field" "FAIL .*: field 'surprise' is not known"
sed '0,/"semantics"/s//"surprise": 1, "semantics"/' "$file" >"$folder/changed.json"
expect_failure "an unknown field of a certificate" "FAIL .*: rejected, want accepted: field 'surprise'"
