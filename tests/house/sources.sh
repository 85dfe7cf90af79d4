#!/usr/bin/env bash
# To be sourced. sources PATTERN...: our files of these names, from the root of the tree.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit

sources() {
  local pattern names=()
  for pattern; do names+=(-o -name "$pattern"); done
  find . \( -path ./build -o -path ./.git \) -prune -o -type f \( "${names[@]:1}" \) -print | sort
}

# need PROGRAM: ends the check as skipped without it.
need() {
  command -v "$1" >/dev/null && return
  echo "SKIP: $1 is not installed"
  exit 77
}
