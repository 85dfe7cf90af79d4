#!/usr/bin/python3
"""usage: tlb.py

Runs the benchmarks of the TLB, prints their medians with what limits them, and ends with status 1
if a limit is missed. Ratios are between figures of the same run; what they compare takes turns.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parents[2] / "build/release/tests/bench/tlb"
REPETITIONS = 9
ENTRIES = (100, 1000, 8000)


def measure():
    """The medians of each benchmark by name: of the time in nanoseconds, and of what it counts."""
    output = subprocess.run(
        [PROGRAMS / "tlb_bench", "--benchmark_format=json",
         f"--benchmark_repetitions={REPETITIONS}", "--benchmark_enable_random_interleaving=true",
         "--benchmark_min_time=0.05"],
        check=True, capture_output=True, text=True).stdout
    return {one["run_name"].partition("/iterations")[0]: one
            for one in json.loads(output)["benchmarks"] if one.get("aggregate_name") == "median"}


def churn():
    """Nanoseconds per operation of the allocation-heavy program, alone and with a TLB beside it."""
    times = {"alone": [], "cached": []}
    for _ in range(REPETITIONS):
        for kind, figures in times.items():
            figures.append(float(subprocess.run([PROGRAMS / "tlb_churn", kind], check=True,
                                                capture_output=True, text=True).stdout))
    return {kind: statistics.median(figures) for kind, figures in times.items()}


def lines(medians, churned):
    """(what, figure, unit, limit or None)"""
    ns = {name: one["real_time"] for name, one in medians.items()}
    yield "a hit, not verified", ns["unverified/1"], "ns", 20
    yield "the bare ioctl", ns["bare_ioctl"], "ns", None
    yield "a hit, verified, of the ioctl", ns["verified/1"] / ns["bare_ioctl"], "x", 1.3
    for entries in ENTRIES[1:]:
        yield (f"unverified, {entries} entries, of {ENTRIES[0]}",
               ns[f"unverified/{entries}"] / ns[f"unverified/{ENTRIES[0]}"], "x", 4)
        yield (f"verified, {entries} entries, of {ENTRIES[0]}",
               ns[f"verified/{entries}"] / ns[f"verified/{ENTRIES[0]}"], "x", 1.3)
    yield "munmap of 16 KiB", ns["unmap_other"] / 1000, "us", None
    yield "munmap of 16 KiB that are kept", ns["unmap_kept"] / 1000, "us", None
    yield "allocating and freeing, alone", churned["alone"], "ns", None
    yield "the same beside a TLB, of it", churned["cached"] / churned["alone"], "x", 1.2
    for policy in ("clock", "lru"):
        yield f"found in a trace, {policy}", medians[policy]["found"] * 100, "%", None
        yield f"a look-up of the trace, {policy}", medians[policy]["each"] * 1e9, "ns", None


def main():
    missed = 0
    for what, figure, unit, limit in lines(measure(), churn()):
        verdict = "" if limit is None else f"limit {limit}: {'ok' if figure <= limit else 'MISSED'}"
        missed += verdict.endswith("MISSED")
        print(f"{what:<40}{figure:>10.2f} {unit:<4}{verdict}".rstrip())
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
