#!/usr/bin/env bash
# dependencies.sh ROOT: docs/dependencies.md has a table row for each package of cmake/packages*.txt, and no other.
set -euo pipefail
cd -- "$1"
if ! diff <(awk '/^[^#]/ { print $1 }' cmake/packages*.txt | sort) \
  <(sed -n 's/^| `\([^`]*\)` |.*/\1/p' docs/dependencies.md | sort); then
  echo "docs/dependencies.md: differs from cmake/packages*.txt (< only there, > only in the page)"
  exit 1
fi
