#!/usr/bin/env bash
# one_definition.sh ROOT: no two files define a type of the same name in the same namespace. Linkers keep one of
# their inline functions for both, silently (C++20, [basic.def.odr]). Types of unnamed namespaces may repeat.
set -euo pipefail
cd -- "$1"

folders=()
for folder in graph autodiff jit frontends examples bench tests; do
  if [[ -d $folder ]]; then folders+=("$folder"); fi
done

# Namespaces open and close at the start of a line, with the comment that clang-format writes.
find "${folders[@]}" -type f \( -name '*.h' -o -name '*.cpp' \) -print0 | sort -z | xargs -0 awk '
  FNR == 1 { depth = 0 }
  /^(inline )?namespace( [A-Za-z0-9_:]+)? \{$/ { scope[++depth] = $0 ~ /namespace \{/ ? "" : $(NF - 1) }
  /^\} *\/\/ namespace/ { --depth }
  /^(struct|class|enum|enum class|union) [A-Za-z0-9_]+( final)?( : [^;]*)? \{/ {
    name = $1 " " $2 == "enum class" ? $3 : $2
    path = ""
    for (i = 1; i <= depth; ++i) { if (scope[i] == "") next; path = path scope[i] "::" }
    place = FILENAME ":" FNR
    if (!(path name in first)) first[path name] = place
    else { printf "%s: %s%s is defined at %s already: give one of them another name\n", place, path, name, first[path name]; bad = 1 }
  }
  END { exit bad }
'
