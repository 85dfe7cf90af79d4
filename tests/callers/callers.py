"""usage: callers.py right|wrong COMMAND...

Runs `COMMAND... CHANGES SEED` as a caller of mapwire in another language, with the seed printed,
and passes if it found no wrong bytes. With "wrong" it is run without verification, and passes if
it found some in one of ten runs: few are wrong, and in a short run it may be none.
MAPWIRE_TEST_CHANGES and MAPWIRE_TEST_SEED say how many changes, and from which seed on.
"""

import os
import subprocess
import sys
import time


RUNS_UNVERIFIED = 10


def status(command, changes, seed, *more):
    arguments = [*command, changes, str(seed), *more]
    run = subprocess.run(arguments, text=True, capture_output=True)
    print(" ".join(arguments), run.stdout, run.stderr, sep="\n")
    return run.returncode


def main():
    expected, command = sys.argv[1], sys.argv[2:]
    changes = os.environ.get("MAPWIRE_TEST_CHANGES", "2000")
    seed = int(os.environ.get("MAPWIRE_TEST_SEED", time.time_ns() % 1_000_000))
    if expected == "right":
        sys.exit(status(command, changes, seed))
    ends = (status(command, changes, seed + run, "unverified") for run in range(RUNS_UNVERIFIED))
    # 1: wrong bytes; 2: something else went wrong, which no further run mends.
    sys.exit(0 if next((end for end in ends if end != 0), 0) == 1 else 1)


main()
