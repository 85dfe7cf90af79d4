#!/usr/bin/env bash
# The first process of the guest: makes rxe0, runs the command that the share holds and powers off.
# The share is the folder of run_in_guest.sh that is mounted at /run/softroce.
set -uo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
share=/run/softroce
export PATH=$here/commands:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# port NAME: the device of a virtio port; there is no udev that would name it.
port() {
  grep -lx "$1" /sys/class/virtio-ports/*/name | sed 's|.*/\(vport[^/]*\)/name|/dev/\1|'
}

# A port can be opened once only, so the command gets pipes, which it may reopen as /dev/stdout.
run_command() {
  local status=0 readers=()
  : >"$share/started"
  exec {out}> >(exec cat >"$(port stdout)")
  readers+=($!)
  exec {err}> >(exec cat >"$(port stderr)")
  readers+=($!)
  bash "$share/command" <"/dev/null" >&"$out" 2>&"$err" {out}>&- {err}>&- || status=$?
  exec {out}>&- {err}>&-
  # What the command left running in the background must not keep the guest.
  timeout 5 tail --pid="${readers[0]}" -f /dev/null
  timeout 5 tail --pid="${readers[1]}" -f /dev/null
  echo "$status" >"$share/status"
}

# What it says goes to the console, of which run_in_guest.sh shows the end.
if "$here/rxe.sh"; then
  run_command
else
  echo "softroce: no rxe0 could be made"
fi
sync
busybox poweroff -f
