#!/usr/bin/env bash
# usage: changed.sh ORACLE FILE GAPS: ORACLE must refuse FILE after one expected number is changed, and name it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The first one-sided derivative that is 1 becomes 2.
tr '\n' ' ' <"$2" | sed 's/"one_sided": *"1"/"one_sided": "2"/' >"$folder/changed.json"
cmp -s <(tr '\n' ' ' <"$2") "$folder/changed.json" && { echo "nothing was changed"; exit 1; }
if "$1" "$folder/changed.json" "$3" >"$folder/log"; then
  echo "the changed file was accepted"
  exit 1
fi
grep -q 'one_sided: fails and is no known gap' "$folder/log"
