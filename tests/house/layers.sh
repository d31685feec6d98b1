#!/usr/bin/env bash
# layers.sh ROOT: the direction of includes, frontends -> jit -> autodiff -> graph, and the fences round heavy
# headers. Prints one line for each violation and exits 1 if there is any. The rules are docs of their own:
# each message says what is allowed.
set -euo pipefail
cd -- "$1"

folders=()
for folder in graph autodiff jit frontends examples bench tests; do
  if [[ -d $folder ]]; then folders+=("$folder"); fi
done

find "${folders[@]}" -type f \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 awk '
  BEGIN { split("graph autodiff jit frontends", order); for (i in order) rank[order[i]] = i }

  function violation(rule) { printf "%s:%d: includes %s: %s\n", FILENAME, FNR, target, rule; bad = 1 }

  FNR == 1 {
    split(FILENAME, part, "/")
    folder = part[1]
    header = FILENAME ~ /\.h$/
    source = folder in rank
    emit = FILENAME ~ /^(tests\/)?jit\/emit\//
    command = FILENAME ~ /^(tests\/)?frontends\/cli\//
    boost_adapter = FILENAME == "graph/boost_graph.h" || FILENAME ~ /^graph\/analysis\/ball\//
    public_header = header && source && !emit && !command && !boost_adapter
  }

  /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    match($0, /[<"][^>"]*/)
    target = substr($0, RSTART + 1, RLENGTH - 1)
    quoted = substr($0, RSTART, 1) == "\""
    split(target, part, "/")

    if (quoted && target !~ /^(graph|autodiff|jit|frontends|tests|bench|examples)\//)
      violation("a quoted include starts at the root of the repository")
    if (quoted && source && !(part[1] in rank))
      violation("a source folder includes only source folders")
    if (source && part[1] in rank && rank[part[1]] > rank[folder])
      violation("includes go only to the right in frontends -> jit -> autodiff -> graph")
    if (target ~ /^llvm(-c)?\// && !emit)
      violation("LLVM headers stay under jit/emit/")
    if (target ~ /^boost\/(graph|pending)\// && header && !boost_adapter)
      violation("boost/graph stays in graph/boost_graph.h and in .cpp files")
    if (target ~ /^doctest\// && folder != "tests")
      violation("doctest stays under tests/")
    if (target ~ /^CLI\// && !command)
      violation("CLI11 stays under frontends/cli/")
    if (target ~ /(^google\/protobuf\/|\.pb\.h$)/ && FILENAME !~ /^(tests|frontends\/onnx)\//)
      violation("Protocol Buffers stay under frontends/onnx/")
    if (public_header && !quoted && (target ~ /\// && target !~ /^fmt\// || target == "zlib.h"))
      violation("a public header needs nothing but fmt and the standard library")
    if (public_header && (target == "graph/boost_graph.h" || target ~ /^graph\/analysis\/ball\// || target ~ /^jit\/emit\//))
      violation("a public header must not lead to Boost or LLVM headers")
  }

  END { exit bad }
'
