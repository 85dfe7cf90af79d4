# shellcheck shell=bash disable=SC2154  # the variables of ./run
# What `./run` checks, sourced by it: the steps whose results are counted, and the commands made of
# them.

# --- steps --------------------------------------------------------------------------------------

# check NAME PRESET CTEST-ARGS...: runs tests of a build and leaves their results for report().
check() {
  local name=$1 preset=$2 fixed_addresses=()
  shift 2
  # GCC 12's sanitizers do not know the address layouts of kernels with more random bits.
  if [[ $preset =~ san ]] && setarch -R true 2>/dev/null; then fixed_addresses=(setarch -R); fi
  step "$name" "${fixed_addresses[@]}" ctest --test-dir "$root/build/$preset" -j "$(nproc)" \
    --output-on-failure --no-tests=error --output-junit "$log_dir/results/$name.xml" "$@"
}

# in_background NAME PRESET CTEST-ARGS...: a check beside the next one, which leaves processors
# idle; a group of its own, so that whatever ends this script ends all of it.
in_background() {
  trap 'kill -- -"$(jobs -p)" 2>/dev/null' EXIT  # first, as an interrupt may come at any time
  set -m
  (renice -n 19 $BASHPID && check "$@") >"$log_dir/$1.step" 2>&1 </dev/null &
  background=$!
  set +m
}
end_of_background() {
  wait "$background" || true  # report() counts what failed
  trap - EXIT
  sed 1d "$log_dir/$1.step"  # without what renice says
}

# Steps of a list of checks that are no checks themselves, builds and guests: how many failed, and
# `--skipped NAME: REASON` for each that could not run here.
failed_steps=0
skipped_steps=()
# report: counts the results of all checks since forget_results; fails if anything did.
forget_results() { rm -rf "$log_dir/results" && mkdir -p "$log_dir/results"; }
report() {
  python3 "$root/.ci/count_results.py" --failed-steps "$failed_steps" "${skipped_steps[@]}" \
    "$log_dir/results"
}

# --- commands -----------------------------------------------------------------------------------

# build_and_check PRESET TARGET CTEST-ARGS...
build_and_check() {
  if step "build-$1" build "$1" "$2"; then
    check "test-$1" "$1" "${@:3}" || true  # report() counts what failed
  else
    failed_steps=$((failed_steps + 1))
  fi
}

# In a guest, so that a machine without RDMA runs them too; a subshell, as it may end early.
softroce_suite() (
  kernel=$1 name=$2 limit_s=$3
  (install "${softroce_packages[@]}") || { say "SKIP: its packages can not be installed"; exit 77; }
  exec "$guest/suite.sh" "$kernel" "$limit_s" "$root/build/dev" "$log_dir/results/$name.xml" \
    "${@:4}"
)

# check_softroce KERNEL SECONDS ''|--require-softroce [NAME=VALUE...]: results and columns are
# counted by report().
check_softroce() {
  local name=test-softroce-$1 status=0
  step "$name" softroce_suite "$1" "$name" "$2" "${@:4}" || status=$?
  if ((status == 77)) && [[ $3 != --require-softroce ]]; then
    skipped_steps+=(--skipped "$name: $(reason_of "$name")")
  elif ((status != 0)) && [[ ! -e $log_dir/results/$name.xml ]]; then
    failed_steps=$((failed_steps + 1))
  fi
}

softroce() {
  local kernel=6.1
  if [[ ${1:-} == --kernel ]]; then
    kernel=${2:-}
    shift $(($# < 2 ? 1 : 2))
  fi
  [[ $kernel =~ ^6\.(1|12)$ ]] || usage_error "softroce: the kernel is 6.1 or 6.12, not '$kernel'"
  case ${1:-} in
    '') ;;
    -h | --help) usage && return ;;
    --) (($# > 1)) || usage_error "softroce: which command after --?" ;;
    *) usage_error "softroce: unknown argument '$1'; a command stands after --" ;;
  esac
  install "${build_packages[@]}" "${test_packages[@]}" "${softroce_packages[@]}"
  step build-dev build dev
  [[ ${2:-} != bench ]] || build_command mapwire_fresh_buffers  # and the command: it measures both
  (($# == 0)) || exec "$guest/run_in_guest.sh" "$kernel" "$guest_limit_s" "${@:2}"
  forget_results
  check_softroce "$kernel" 1800 --require-softroce
  report
}

tests() {
  [[ $# -le 1 && ${1:---require-softroce} == --require-softroce ]] ||
    usage_error "tests: the only argument is --require-softroce, but was given: $*"
  exec 2>&1
  install "${build_packages[@]}" "${test_packages[@]}"
  local library='^(runtime|runtime_verbs|tlb|nic_fw|conformance|endpoints)$'
  forget_results
  step configure configure dev
  check house dev -L house || true
  build_and_check dev all -LE 'house|tidy|softroce'
  in_background tidy dev -L tidy
  check_softroce 6.1 3600 "${1:-}"
  end_of_background tidy
  build_and_check asan-ubsan library_tests -L "$library|^(proto|simulation|hostile)$" -LE slow
  build_and_check tsan threaded_tests -L "$library"
  build_and_check fuzz all
  report
}

soak() {
  exec 2>&1
  install "${build_packages[@]}" "${test_packages[@]}"
  forget_results
  export MAPWIRE_TEST_SEEDS=10000 MAPWIRE_TEST_HOSTILE=1000 MAPWIRE_TEST_CHANGES=100000 \
    MAPWIRE_TEST_TRANSFER_MIB=1024 MAPWIRE_TEST_KILLS=200 MAPWIRE_TEST_UPDATE_MS=60000 \
    MAPWIRE_TEST_TRIPS=1000000 MAPWIRE_TEST_PUTS=100000
  build_and_check dev all -L 'simulation|hostile|callers'
  check memory dev -LE softroce \
    -R 'Stale|LimitedMemory|(Window|Exporter)Death|BindingPeer|no_put_is_missed|far_larger' || true
  check_softroce 6.1 14400 '' MAPWIRE_TEST_MESSAGES=6250 MAPWIRE_TEST_ROUNDS=200 \
    MAPWIRE_TEST_KILLS=200 MAPWIRE_TEST_OUTAGE_S=10 MAPWIRE_TEST_TRANSFER_MIB=1024 \
    MAPWIRE_TEST_UPDATE_MS=60000 MAPWIRE_TEST_PUTS=100000
  fuzz_for 60
  report
}

# fuzz_for SECONDS
fuzz_for() {
  step configure-fuzz configure fuzz -D MAPWIRE_FUZZ_SECONDS="$1"
  build_and_check fuzz all
}

fuzz() {
  [[ ${1:-10} =~ ^[1-9][0-9]*$ ]] || usage_error "fuzz: SECONDS is a positive number, not '$1'"
  install "${build_packages[@]}" "${test_packages[@]}"
  forget_results
  fuzz_for "${1:-10}"
  report
}

tidy() {
  install "${build_packages[@]}" "${test_packages[@]}"
  step build-dev build dev
  exec "$root/tests/house/tidy.sh" "$root/build/dev" "$@"
}

format() {
  install clang-format-19
  exec "$root/tests/house/format.sh"
}
