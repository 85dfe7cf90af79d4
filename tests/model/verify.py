#!/usr/bin/env python3
"""Verifies tlb.pml: the protocol is sound, and the check would notice if it were not.

usage: verify.py [THREADS]

THREADS is how many application threads the sound variants have (3; with 2 it takes seconds). What
has to be found is found with 2 threads, breadth first, which makes the way to it a short one.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

MODEL = Path(__file__).resolve().parent / "tlb.pml"

SOUND = ["QUARANTINE_UNTIL_CALM", "THE_PROTOCOL", "SCAN_AFTER_READ", "QUARANTINE_FOR_EVER"]
UNSOUND = ["NO_PENDING", "PENDING_FIRST", "RANGE_SCAN", "NO_SUSPECTS", "TRUST_RUNNING",
           "LATE_QUARANTINE_CHECK", "KILL_FIRST", "KEEP_PROVISIONAL", "QUARANTINE_FOR_LIFE"]
REACHED = ["true", "reused", "lifted"]  # owners use entries, after the address was reused, ...

STALE = "entry[slot].current"  # is in the text of the invariant and of no other assertion
INCOMPLETE = re.compile(r"max search depth too small|out of memory|-DMEMLIM bound"
                        r"|Search not completed|hash-?compact|Bit statespace")


class Result(NamedTuple):
    states: int
    seconds: float
    error: str  # of the search or of its program; "" if there is none
    complete: bool


def run(directory, *command):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def must_run(directory, *command):
    status, output = run(directory, *command)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{output}")


def search(directory, threads, switch, *, breadth_first=False):
    """Searches the states of one variant in `directory`, where a trail is left for each error."""
    must_run(directory, "spin", f"-DTHREADS={threads}", f"-D{switch}", "-a", MODEL)
    kind = "-DBFS" if breadth_first else "-DCOLLAPSE"
    limit_mib = 8000 if breadth_first else 2000
    optimise = "-O1" if breadth_first else "-O2"  # seconds of compiling for one of searching
    must_run(directory, "gcc", optimise, "-w", "-DSAFETY", kind, f"-DMEMLIM={limit_mib}",
             "-o", "pan", "pan.c")
    status, output = run(directory, "./pan", "-m5000000", "-w24")
    found = re.search(r"^pan:\d+: (.*)", output, re.MULTILINE)
    errors = re.search(r"errors: (\d+)", output)
    states = re.search(r"(\d+) states, stored", output)
    seconds = re.search(r"elapsed time ([\d.]+)", output)
    if status != 0 or not (errors and states and seconds):
        return Result(0, 0, f"the search ended with status {status}:\n{output}", False)
    error = found[1] if found else "" if errors[1] == "0" else output
    complete = "Full statespace search" in output and not INCOMPLETE.search(output)
    return Result(int(states[1]), float(seconds[1]), error, complete)


def print_trail(threads, switch):
    """A short one: what goes wrong with some number of threads usually does with two."""
    for count in sorted({2, threads}):
        with tempfile.TemporaryDirectory() as directory:
            if search(directory, count, switch, breadth_first=True).error:
                copy = shutil.copy(MODEL, directory)  # spin looks for the trail beside the model
                print(run(directory, "spin", f"-DTHREADS={count}", f"-D{switch}", "-t", "-p", "-g",
                          Path(copy).name)[1])
                return


def check(threads, switch, verdict_of, **how):
    """Searches one variant and prints a line; `verdict_of` says what is wrong with the result."""
    with tempfile.TemporaryDirectory() as directory:
        result = search(directory, threads, switch, **how)
    wrong = verdict_of(result)
    told = f"WRONG: {wrong}" if wrong else "ok: finds it" if result.error else "ok: no error"
    print(f"{switch:<30} {threads} threads {result.states:>11,} states {result.seconds:>6.1f} s  "
          f"{told}", flush=True)
    if wrong and result.error:
        print_trail(threads, switch)
    return not wrong


def unless_sound(result):
    return result.error or ("" if result.complete else "the search is not complete")


def unless_stale(result):
    return "" if STALE in result.error else f"no stale entry is used: {result.error or 'no error'}"


def unless_reached(result):
    reached = "assertion violated" in result.error and STALE not in result.error
    return "" if reached else f"no owner uses an entry then: {result.error or 'no error'}"


def main():
    for tool in ("spin", "gcc"):
        if not shutil.which(tool):
            print(f"SKIP: {tool} is not installed")
            return 77
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    good = [check(2, f"REACH={event}", unless_reached, breadth_first=True) for event in REACHED]
    good += [check(2, f"VARIANT={name}", unless_stale, breadth_first=True) for name in UNSOUND]
    good += [check(threads, f"VARIANT={name}", unless_sound) for name in SOUND]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
