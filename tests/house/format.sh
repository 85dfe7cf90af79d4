#!/usr/bin/env bash
# usage: format.sh [--check]
# Formats the C++ sources, or fails if that would change any.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/sources.sh"

need clang-format-19
mode=(-i)
[[ ${1:-} != --check ]] || mode=(--dry-run -Werror)
sources '*.h' '*.cc' | xargs clang-format-19 "${mode[@]}"
