#!/usr/bin/env bash
# run.sh PROGRAM: networks that the program writes, by ONNX Runtime (run.py); 77 where Python has it not.
# ONNX_PYTHON: a Python that has it, such as that of a virtual environment.
set -euo pipefail
python=${ONNX_PYTHON:-python3}
"$python" -c "import onnx, onnxruntime" 2>/dev/null || { echo "no onnxruntime: skipped"; exit 77; }
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
"$1" "$folder"
"$python" "$(dirname "$0")/run.py" "$folder"
