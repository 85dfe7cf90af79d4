#!/usr/bin/env bash
# Shell scripts pass shellcheck.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/sources.sh"

need shellcheck
sources '*.sh' run | xargs shellcheck
