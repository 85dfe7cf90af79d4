#!/usr/bin/env bash
# usage: suite.sh 6.1|6.12 SECONDS BUILD_DIR RESULTS.xml [NAME=VALUE...]
# Runs in a guest the tests that want rxe, the conformance suite's columns of it among them, with
# these variables, and leaves their results as ctest's JUnit file. Ends like run_in_guest.sh.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
kernel=$1
limit_s=$2
build=$3
results=$4
shift 4

outbox=$(mktemp -d)
trap 'rm -rf "$outbox"' EXIT
status=0
SOFTROCE_OUTBOX=$outbox "$here/run_in_guest.sh" "$kernel" "$limit_s" \
  env MAPWIRE_TEST_REQUIRE_ALL_COLUMNS=1 "$@" \
  ctest --test-dir "$build" -L softroce --output-on-failure --no-tests=error \
  --output-junit /run/softroce/outbox/results.xml || status=$?
[[ ! -e $outbox/results.xml ]] || mv "$outbox/results.xml" "$results"
exit "$status"
