#!/usr/bin/env bash
# usage: headers.sh BUILD_DIR COMPILER
# Every header of a layer compiles alone.
set -euo pipefail
build_dir=$(readlink -f "$1") compiler=$2
source "$(dirname "${BASH_SOURCE[0]}")/sources.sh"

sources '*.h' | grep -E '^./(proto|runtime|tlb|nic_fw|endpoints|storage)/' |
  xargs -P "$(nproc)" -I{} "$compiler" -std=c++23 -fsyntax-only -Wall -Werror -x c++ \
    -Wno-pragma-once-outside-header -DASIO_STANDALONE -DASIO_NO_DEPRECATED \
    -I "$build_dir/include" -isystem "$build_dir/proto" {}
