#!/usr/bin/env bash
# check.sh MODE SOURCE BUILD: builds the user's project of this folder and runs it, from a path with spaces.
#   installed   against BUILD, installed to a fresh prefix
#   contained   with SOURCE by add_subdirectory
# Then shows that compiling the program read no LLVM or Boost header.
set -euo pipefail
mode=$1
source=$2
build=$3

folder=$(mktemp -d)
work="$folder/a user's project"
mkdir -p "$work"
# With the flags and the folder depth of the build of crease itself, ccache finds again what that build compiled.
export CCACHE_BASEDIR=$source CCACHE_NOHASHDIR=1
output="$build/package $mode"
if [[ $build == "$source"/build/* ]]; then output="$source/build/package $mode"; fi
rm -rf -- "$output"
trap 'rm -rf -- "$folder" "$output"' EXIT
cp -- "$source/tests/package/CMakeLists.txt" "$source/tests/package/main.cpp" "$work"

options=(-G Ninja -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG")
if command -v ccache > /dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
case $mode in
  installed)
    cmake --install "$build" --prefix "$work/the prefix" > "$work/install.log"
    options+=("-DCMAKE_PREFIX_PATH=$work/the prefix")
    # Headers of the user's own, of the names that crease has.
    mkdir -p "$work/own/graph"
    printf '#error "not this one"\n' | tee "$work/own/graph/graph.h" > "$work/own/graph/error.h"
    ;;
  contained)
    options+=("-DCREASE_SOURCE=$source" -DCREASE_WARNINGS_AS_ERRORS=ON)
    ;;
esac
cmake -S "$work" -B "$output" "${options[@]}" > "$work/configure.log" || { cat "$work/configure.log"; exit 1; }
cmake --build "$output" > "$work/build.log" || { cat "$work/build.log"; exit 1; }

"$output/user" | tee "$work/printed"
diff - "$work/printed" << END
loss 7.5 7.5
slope 2.5 2.5
crease $(sed -n 's/^project(crease VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
END

headers=$(ninja -C "$output" -t deps CMakeFiles/user.dir/main.cpp.o)
grep -q 'crease/crease\.h' <<< "$headers" || { echo "cannot tell which headers were read"; exit 1; }
if grep -E '/(llvm|llvm-c|boost|nlohmann|CLI)/' <<< "$headers"; then
  echo "a user's program reads the headers above, which crease must keep to itself"
  exit 1
fi
