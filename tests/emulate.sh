#!/usr/bin/env bash
# Runs a program as on another processor: emulate.sh PROCESSOR PROGRAM ARGUMENT... An instruction that the
# processor lacks ends the program. Skipped visibly where there is no emulator.
set -euo pipefail
emulator=$(command -v qemu-x86_64 || true)
if [[ -z $emulator ]]; then
  echo "skipped: there is no emulator here (Debian package qemu-user)"
  exit 77
fi
exec "$emulator" -cpu "$@"
