#!/usr/bin/env bash
# file_size.sh ROOT: no source file has more than 500 lines; split by subject, not by size.
set -euo pipefail
cd -- "$1"

find . \( -path ./build -o -path ./.git -o -path ./.cache \) -prune -o \
  -type f \( -name '*.h' -o -name '*.cpp' -o -name '*.cmake' -o -name 'CMakeLists.txt' -o -name '*.sh' \) -print0 |
  xargs -0 awk '
    FNR == 501 { printf "%s: more than 500 lines\n", FILENAME; bad = 1 }
    END { exit bad }
  '
