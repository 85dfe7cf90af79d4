#!/usr/bin/env bash
# usage: tidy.sh BUILD_DIR [FILE...]
# clang-tidy over the sources, or over some of them, as they are compiled in BUILD_DIR.
set -euo pipefail
build_dir=$(readlink -f "$1")
files=()
for file in "${@:2}"; do files+=("$(readlink -f "$file")"); done
source "$(dirname "${BASH_SOURCE[0]}")/sources.sh"

need run-clang-tidy-19
# The sources of the tree; generated code in the build directory is not ours to tidy.
((${#files[@]} > 0)) || readarray -t files < <(sources '*.cc' | sed "s|^\.|$PWD|")
# GCC compiled them; on clang, Asio 1.22 knows coroutines only with this definition.
run-clang-tidy-19 -quiet -j "$(nproc)" -p "$build_dir" -extra-arg=-DASIO_HAS_CO_AWAIT=1 \
  "${files[@]}" 2>&1 |
  sed -e '/warnings generated/d' -e '/^clang-tidy-19 /d' -e '/non-user code/d'
