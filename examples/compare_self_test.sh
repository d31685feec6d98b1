#!/usr/bin/env bash
# Shows that compare.sh passes what matches and fails what does not.
set -euo pipefail
here=$(cd -- "$(dirname -- "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
failures=0

# compare WANTED_STATUS OUTPUT EXPECTED [EXIT_STATUS_OF_THE_PROGRAM]
compare() {
  printf '#!/bin/sh\ncat <<"END"\n%b\nEND\nexit %d\n' "$2" "${4-0}" > "$folder/a program"
  printf '%b\n' "$3" > "$folder/expected"
  chmod +x "$folder/a program"
  local status=0
  bash "$here/compare.sh" "$folder/a program" "$folder/expected" > "$folder/log" || status=$?
  if [[ $status != "$1" ]]; then
    echo "status $status, not $1, for output '$2' against '$3'"
    failures=1
  fi
}

compare 0 'loss 0.25\nend' 'loss 0.25\nend'
compare 0 'loss 0.25\n[a*b]' '~loss 0\\.[0-9]+\n[a*b]'
compare 1 'loss 0.25' 'loss 0.26'
compare 1 'loss 0.25' '~loss 0\\.[0-9]'
compare 1 'ab' 'a*'
compare 1 'loss 0.25\nmore' 'loss 0.25'
compare 1 'loss 0.25' 'loss 0.25\nmore'
compare 1 'loss 0.25' 'loss 0.25' 3
exit $failures
