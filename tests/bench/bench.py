#!/usr/bin/python3
"""usage: bench.py MAPWIRE DIRECTORY [ROUNDS]

The same jobs by mapwire and by UCX, libfabric and sockperf, in turns, ROUNDS times (5). Prints a
table and leaves its figures and a plot in the directory. Ends with status 1 if a limit is missed.
"""

import pathlib
import platform
import signal
import subprocess
import sys

import contestants
import ends
import lines
import mapwire
import processors
import report
import rounds
import table

PACKAGES = ["ucx-utils", "libfabric-bin", "sockperf"]
NO_SHM = "left out: the wire shm, as this mapwire has no --wire"
NOTES = """latency and wake-up: half the round trip; first and second: the medians of the rounds
ratio: the median of the rounds' ratios, as the machine may be another one in each
mapwire runs with its defaults; sockperf sends 14 B where mapwire sends 8 B, its least
wake-up: both ends sleep until the other's message comes, instead of polling"""


def versions():
    """Of the peers, and of the kernel, whose sockets most of them use."""
    found = {"linux": platform.release()}
    for package in PACKAGES:
        asked = subprocess.run(["dpkg-query", "--show", "--showformat", "${Version}", package],
                               capture_output=True, text=True, check=False)
        found[package] = asked.stdout or "unknown"
    return found


def main():
    command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    if processors.two() is None:
        sys.exit("bench: the two ends need two CPUs, and this process may run on one; give it "
                 "more (taskset, cpuset)")
    # By an exit, so that what runs at the moment is ended too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        with_shm = mapwire.knows_wires(command)
    except ends.Failed as failure:
        sys.exit(f"bench: {failure}")
    figures, failures = rounds.measure(contestants.contestants(command, with_shm), count)
    judged = [table.judge(line, figures, failures) for line in lines.lines(with_shm)]
    left_out = [] if with_shm else [NO_SHM]
    print(table.text(judged, left_out))
    print(NOTES)
    context = {"rounds": count, "cpus": list(processors.two()), "versions": versions()}
    for path in report.write(folder, report.document(judged, figures, failures, left_out, context),
                             report.curves(figures)):
        print(path)
    sys.exit(1 if any(one.missed for one in judged) else 0)


if __name__ == "__main__":
    main()
