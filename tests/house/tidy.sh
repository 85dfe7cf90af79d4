#!/usr/bin/env bash
# usage: tidy.sh BUILD_DIR [FILE...]
# clang-tidy over the sources, or over the batches of some of them, as they are compiled in
# BUILD_DIR.
set -euo pipefail
build_dir=$(readlink -f "$1")
names=()
for file in "${@:2}"; do
  if [[ $file != *.cc || ! -f $file ]]; then
    echo "tidy.sh: $file: not a source; name .cc files" >&2
    exit 2
  fi
  names+=("$(readlink -f "$file")")
done
source "$(dirname "${BASH_SOURCE[0]}")/sources.sh"

need run-clang-tidy-19
# What the compiler is given: sources and batches. Generated code is not ours to tidy.
((${#names[@]} > 0)) || readarray -t names < <(sources '*.cc' | sed "s|^\.|$PWD|")
readarray -t files < <(
  printf '%s\n' "${names[@]}" | python3 tests/house/compiled_as.py "$build_dir")
((${#files[@]} > 0)) || { echo "tidy.sh: $build_dir compiles none of these" >&2 && exit 2; }
# GCC compiled them; on clang, Asio 1.22 knows coroutines only with this definition.
run-clang-tidy-19 -quiet -j "$(nproc)" -p "$build_dir" -extra-arg=-DASIO_HAS_CO_AWAIT=1 \
  -extra-arg=-Wno-unknown-warning-option "${files[@]}" 2>&1 |
  sed -e '/warnings generated/d' -e '/^clang-tidy-19 /d' -e '/non-user code/d'
