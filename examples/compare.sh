#!/usr/bin/env bash
# compare.sh PROGRAM EXPECTED: runs PROGRAM and holds its output against the file, line by line. A line of the file
# that begins with '~' is a regular expression (extended, for the whole line); any other is literal.
set -euo pipefail
program=$1
expected=$2

status=0
output=$("$program") || status=$?
if ((status != 0)); then
  printf '%s\n' "$output"
  echo "$program ended with status $status"
  exit 1
fi
mapfile -t got <<< "$output"
mapfile -t want < "$expected"

wrong=0
for ((i = 0; i < ${#got[@]} || i < ${#want[@]}; i++)); do
  line=${got[i]-<no more output>}
  pattern=${want[i]-<no more lines>}
  if [[ $pattern == '~'* ]]; then
    regex="^(${pattern:1})\$"
    if [[ $line =~ $regex ]]; then continue; fi
  elif [[ $line == "$pattern" ]]; then
    continue
  fi
  printf 'line %d\n  got:  %s\n  want: %s\n' $((i + 1)) "$line" "$pattern"
  wrong=1
done
if ((wrong)); then printf 'the whole output:\n%s\n' "$output"; fi
exit $wrong
