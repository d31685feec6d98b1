#!/usr/bin/env bash
# usage: changed.sh ORACLE FILE (FIELD FROM TO)...: ORACLE must refuse FILE after the first FROM (a pattern of sed)
# is changed into TO, and name FIELD.
set -euo pipefail
oracle=$1 file=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tr '\n' ' ' <"$file" >"$folder/file.json"

while (($# >= 3)); do
  field=$1 from=$2 to=$3
  shift 3
  sed "s/$from/$to/" "$folder/file.json" >"$folder/changed.json"
  cmp -s "$folder/file.json" "$folder/changed.json" && { echo "nothing was changed for $field"; exit 1; }
  "$oracle" "$folder/changed.json" >"$folder/log" && { echo "a changed $field was accepted"; exit 1; }
  grep -q "[ .]$field: " "$folder/log" || { echo "$field was not named"; exit 1; }
done
