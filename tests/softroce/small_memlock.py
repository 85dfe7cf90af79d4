#!/usr/bin/python3
"""A message far larger than what a user without rights may pin passes from the heap of one process
to that of another and back, over rxe, and the kernel never has more pinned than the budget.

MAPWIRE_TEST_TRANSFER_MIB is how much passes each way, in messages of at most 128 MiB: the guest
has no room for more.
"""

import os
import pathlib
import re
import subprocess
import time

import rxe
from support import check, finish, mapwire, skip

LIMITS = (8 << 20, 64 << 10)
TRANSFER_MIB = int(os.environ.get("MAPWIRE_TEST_TRANSFER_MIB", "16"))
MESSAGE_MIB_MAX = 128
SAMPLE_S = 0.002


def pinned(pid):
    """Bytes the kernel has pinned for a process; 0 if it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmPin:\s+(\d+) kB", text)
    return int(found[1]) << 10 if found else 0


def both_ends(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [pid, *(children.read_text().split() if children.exists() else [])]


def transfer(limit):
    """Status, output, and the most that either end had pinned."""
    message_mib = min(TRANSFER_MIB, MESSAGE_MIB_MAX)
    command = ["prlimit", f"--memlock={limit}", "setpriv", "--reuid=65534", "--regid=65534",
               "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", mapwire(), "ping",
               "--local", "--nic", "verbs", "--memory", "heap", "-s",
               str(message_mib << 20), "-n", str(TRANSFER_MIB // message_mib),
               "--warmup", "0", "-t", "4", "-r", "4", "--verify", "--json"]
    most = samples = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as ends:
        while ends.poll() is None:
            most = max([most, *map(pinned, both_ends(ends.pid))])
            samples += 1
            time.sleep(SAMPLE_S)
        return ends.returncode, ends.stdout.read(), most, samples


def main():
    if why := rxe.missing():
        skip("small_memlock", why)
        finish()
    for limit in LIMITS:
        start = time.monotonic()
        status, text, most, samples = transfer(limit)
        name = f"{TRANSFER_MIB} MiB within {limit >> 10} KiB"
        check(f"{name} arrive", status == 0, text)
        check(f"{name}: never more pinned than the budget", 0 < most <= limit - limit // 8,
              (most, samples))
        print(f"  {time.monotonic() - start:.1f} s; at most {most >> 10} KiB pinned in {samples} "
              "samples")
    finish()


main()
