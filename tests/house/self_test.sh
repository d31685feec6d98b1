#!/usr/bin/env bash
# self_test.sh SCRIPT: shows on a small tree that the script (layers.sh, say) passes what is right and fails on each
# violation that it names.
set -euo pipefail

script=$1
here=$(cd -- "$(dirname -- "$0")" && pwd)
tree=$(mktemp -d)/"a tree"
trap 'rm -rf -- "$(dirname -- "$tree")"' EXIT
mkdir -p "$tree"/{graph/analysis/ball,autodiff,jit/emit,frontends/{cli,onnx},tests/graph,examples,cmake,docs}
cp -- "$here/../../.clang-format" "$tree"
failures=0

put() { printf '%b\n' "$2" > "$tree/$1"; }

check() { bash "$script" "$tree" > "$tree/output" 2>&1; }

# violates FILE TEXT: with FILE holding TEXT the script must fail and name FILE.
violates() {
  put "$1" "$2"
  if check; then
    echo "passed although $1 holds: ${2:0:60}"
    failures=$((failures + 1))
  elif ! grep -qF -- "$1:" "$tree/output"; then
    echo "did not name $1: $(head -c 300 "$tree/output")"
    failures=$((failures + 1))
  fi
  rm -- "$tree/$1"
}

# allows FILE TEXT: with FILE holding TEXT the script must pass.
allows() {
  put "$1" "$2"
  if ! check; then
    echo "failed although $1 is right: $(head -c 300 "$tree/output")"
    failures=$((failures + 1))
  fi
}

put cmake/packages.txt ''
put docs/dependencies.md ''
allows graph/op.h '#pragma once'
allows graph/op.cpp '#include "graph/op.h"'
status=0
check || status=$?
if [[ $status == 77 ]]; then
  cat "$tree/output"
  exit 77
fi

case $(basename -- "$script") in
  layers.sh)
    allows graph/boost_graph.h '#include <boost/graph/graph_traits.hpp>'
    allows graph/analysis/ball/ball.h '#include <boost/multiprecision/cpp_int.hpp>'
    allows graph/draw.cpp '#include "graph/boost_graph.h"\n#include <boost/graph/graphviz.hpp>'
    allows jit/emit/orc.h '#include <llvm/IR/Module.h>'
    allows jit/program.cpp '#include "jit/emit/orc.h"\n#include "graph/op.h"'
    allows frontends/crease.h '#include "jit/program.h"\n#include <fmt/format.h>\n#include <vector>'
    allows frontends/cli/main.cpp '#include <CLI/CLI.hpp>'
    allows tests/graph/test_op.cpp '#include "graph/op.h"\n#include <doctest/doctest.h>'
    allows examples/01_first.cpp '#include <crease/crease.h>'
    violates graph/up.cpp '#include "autodiff/reverse.h"'
    violates autodiff/up.h '#include  "jit/program.h"'
    violates jit/up.cpp '  #  include "frontends/crease.h"'
    violates graph/up.cpp '#include <frontends/crease.h>'
    violates jit/program.h '#include <llvm/IR/Module.h>'
    violates jit/lower.cpp '#include "llvm/IR/Module.h"'
    violates tests/graph/test_ir.cpp '#include <llvm/IR/Module.h>'
    violates graph/draw.h '#include <boost/graph/graphviz.hpp>'
    violates tests/graph/walk.h '#include <boost/graph/graphviz.hpp>'
    violates graph/rational.h '#include <boost/multiprecision/cpp_int.hpp>'
    violates frontends/onnx.h '#include <google/protobuf/message.h>'
    violates frontends/model.cpp '#include <frontends/onnx/onnx.pb.h>'
    allows frontends/onnx/read.cpp '#include <frontends/onnx/onnx.pb.h>'
    violates frontends/report.h '#include <nlohmann/json.hpp>'
    violates frontends/data.h '#include <zlib.h>'
    violates frontends/train.cpp '#include <CLI/CLI.hpp>'
    violates graph/op_test.cpp '#include <doctest/doctest.h>'
    violates graph/evaluate.cpp '#include "op.h"'
    violates tests/graph/test_op2.cpp '#include "files.h"'
    violates graph/evaluate.cpp '#include "tests/files.h"'
    violates graph/structure.h '#include "graph/boost_graph.h"'
    violates jit/program.h '#include "jit/emit/orc.h"'
    ;;
  one_definition.sh)
    allows graph/pair.h 'namespace crease {\nstruct Pair {\n};\nstruct Pair::Part {\n};\n}  // namespace crease'
    allows graph/pair.cpp 'namespace crease {\nnamespace {\nstruct Pair {\n};\n}  // namespace\n}  // namespace crease'
    allows graph/other.h 'namespace crease::other {\nstruct Pair {\n};\n}  // namespace crease::other'
    allows graph/use.h 'namespace crease {\nstruct Pair;\n}  // namespace crease'
    violates jit/pair.h 'namespace crease {\nclass Pair final : public Two {\n};\n}  // namespace crease'
    violates jit/pair.cpp 'namespace crease {\nnamespace {\n}  // namespace\nenum class Pair : int { A };\n}  // namespace crease'
    violates jit/pair.h 'namespace crease {\nnamespace other {\ntemplate <class T>\nstruct Pair {\n};\n}  // namespace other\n}  // namespace crease'
    ;;
  file_size.sh)
    allows graph/long.cpp "$(printf '\\n%.0s' {1..498})"
    violates graph/long.cpp "$(printf '\\n%.0s' {1..501})"
    violates tests/graph/long.h "$(printf '\\n%.0s' {1..600})"
    violates jit/CMakeLists.txt "$(printf '\\n%.0s' {1..600})"
    ;;
  format.sh)
    violates graph/ugly.cpp 'int  f( ) {return 1 ;}'
    violates tests/graph/ugly.h 'int*  f( );'
    ;;
  dependencies.sh)
    put cmake/packages.txt '# a comment\ng++  compiles\nlibfmt-dev  formats'
    violates docs/dependencies.md '| `g++` | 12 |'
    violates docs/dependencies.md '| `g++` | 12 |\n| `libfmt-dev` | 9 |\n| `libzip-dev` | 1 |'
    allows docs/dependencies.md '| package | version |\n| `g++` | 12 |\n| `libfmt-dev` | 9 |'
    ;;
  *)
    echo "self_test.sh knows nothing about $script"
    failures=1
    ;;
esac
exit $((failures > 0))
