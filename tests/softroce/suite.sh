#!/usr/bin/env bash
# usage: suite.sh 6.1|6.12 BUILD_DIR RESULTS.xml
# Runs in a guest the conformance suite in every column and the tests that want rxe, and leaves
# their results as ctest's JUnit file. Ends like run_in_guest.sh.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
kernel=$1
build=$2
results=$3
limit_s=1800

outbox=$(mktemp -d)
trap 'rm -rf "$outbox"' EXIT
status=0
SOFTROCE_OUTBOX=$outbox "$here/run_in_guest.sh" "$kernel" "$limit_s" \
  env MAPWIRE_TEST_REQUIRE_ALL_COLUMNS=1 \
  ctest --test-dir "$build" -L 'conformance|softroce' --output-on-failure --no-tests=error \
  --output-junit /run/softroce/outbox/results.xml || status=$?
[[ ! -e $outbox/results.xml ]] || mv "$outbox/results.xml" "$results"
exit "$status"
