#!/usr/bin/env bash
# format.sh ROOT: every source file is as clang-format 19 writes it; exits 77 (skipped) where that is not installed.
set -euo pipefail
cd -- "$1"

if ! command -v clang-format-19 > /dev/null; then
  echo "skipped: clang-format-19 is not installed"
  exit 77
fi
folders=()
for folder in graph autodiff jit frontends examples bench tests; do
  if [[ -d $folder ]]; then folders+=("$folder"); fi
done
find "${folders[@]}" -type f \( -name '*.h' -o -name '*.cpp' \) -print0 |
  xargs -0 clang-format-19 --style=file --dry-run -Werror
