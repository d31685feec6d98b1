#!/usr/bin/env bash
# usage: changed.sh ORACLE FILE: ORACLE must refuse FILE after one expected answer is changed, and name its field.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
oracle=$1
tr '\n' ' ' <"$2" >"$folder/file.json"

# notices FIELD FROM TO: the first FROM (a pattern of sed) becomes TO.
notices() {
  sed "s/$2/$3/" "$folder/file.json" >"$folder/changed.json"
  cmp -s "$folder/file.json" "$folder/changed.json" && { echo "nothing was changed for $1"; exit 1; }
  if "$oracle" "$folder/changed.json" >"$folder/log"; then echo "a changed $1 was accepted"; exit 1; fi
  grep -q "^[^ ]* $1: " "$folder/log" || { echo "$1 was not named"; exit 1; }
}

notices one_sided '"one_sided": *"1"' '"one_sided": "2"'
notices certificate '"certificate": *"DISCONTINUOUS' '"certificate": "SMOOTH'
