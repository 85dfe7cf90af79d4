#!/usr/bin/env bash
# usage: run_in_guest.sh 6.1|6.12 SECONDS COMMAND [ARGS...]
# Boots a guest with that kernel and rxe0, runs the command in it, in this directory, and ends with
# its output and its status. Beyond it: 77 and `SKIP: reason` where there can be no guest, 124 if
# the command took longer than SECONDS, 125 if the guest's kernel died. What the command leaves in
# /run/softroce/outbox, the one folder that outlives the guest, goes to $SOFTROCE_OUTBOX if set.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
kernel=$1
limit_s=$2
shift 2

say() { echo "softroce: $*" >&2; }

skip() {
  echo "SKIP: $*" >&2
  exit 77
}

# The guest runs the files of this machine, so it has to be of its kind.
[[ $(uname -m) == x86_64 ]] || skip "a guest is an x86_64 machine, and this one is $(uname -m)"
command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64 (Debian: qemu-system-x86)"
command -v apt-get >/dev/null || skip "no apt-get, which fetches Debian's kernel"
boot=$("$here/kernel.sh" "$kernel")

work=$(mktemp -d)
mkdir -p "$work/share/outbox"
mkfifo "$work/stdout" "$work/stderr"
# Held open here, or the readers would wait for ever for a QEMU that ends before it opens them.
exec {out}<>"$work/stdout" {err}<>"$work/stderr"
exec {from_out}<"$work/stdout" {from_err}<"$work/stderr"
wait_for_readers() {
  exec {out}>&- {err}>&-
  wait
}
# shellcheck disable=SC2317  # called by the trap
clean_up() {
  local running
  readarray -t running < <(jobs -rp)
  ((${#running[@]} == 0)) || kill "${running[-1]}" 2>/dev/null || true
  wait_for_readers  # until QEMU, the last to hold the pipes, is gone
  rm -rf "$work"
}
# What the guest was at.
stage() {
  if [[ -e $work/share/started ]]; then echo "ran the command"; else echo "booted"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

echo "$here" >"$work/share/folder"
{
  printf 'export HOME=%q\n' "${HOME:-/root}"
  printf 'cd %q || exit\n' "$PWD"
  printf 'exec'
  printf ' %q' "$@"
  echo
} >"$work/share/command"

cat <&"$from_out" {out}>&- {err}>&- &
cat <&"$from_err" >&2 {out}>&- {err}>&- &
# QEMU ends with timeout by itself: timeout passes no signal on that comes while it starts QEMU.
timeout --foreground --kill-after=5 "$limit_s" setpriv --pdeathsig KILL \
  "$here/qemu.sh" "$boot" "$work" >&2 {out}>&- {err}>&- &
outcome=0
wait $! || outcome=$?
wait_for_readers
[[ -z ${SOFTROCE_OUTBOX:-} ]] || cp "$work"/share/outbox/* "$SOFTROCE_OUTBOX" 2>/dev/null || true

if [[ -s $work/share/status ]]; then
  exit "$(cat "$work/share/status")"
fi
tail -n 30 "$work/console" >&2 2>/dev/null || true
if ((outcome == 124)); then
  say "no end after $limit_s s, so the guest was stopped while it $(stage): $*"
  exit 124
fi
say "QEMU ended with status $outcome while the guest $(stage); what it said and the last lines of" \
  "the guest's console are above: $*"
exit 125
