"""usage: callers.py right|wrong COMMAND...

Runs `COMMAND... CHANGES SEED` as a caller of mapwire in another language, with the seed printed,
and passes if it found wrong bytes, or none. MAPWIRE_TEST_CHANGES and MAPWIRE_TEST_SEED say how many
"""

import os
import subprocess
import sys
import time


def main():
    expected, command = sys.argv[1], sys.argv[2:]
    changes = os.environ.get("MAPWIRE_TEST_CHANGES", "2000")
    seed = os.environ.get("MAPWIRE_TEST_SEED", str(time.time_ns() % 1_000_000))
    arguments = [changes, seed] + (["unverified"] if expected == "wrong" else [])
    run = subprocess.run([*command, *arguments], text=True, capture_output=True)
    print(" ".join([*command, *arguments]), run.stdout, run.stderr, sep="\n")
    sys.exit(run.returncode != (1 if expected == "wrong" else 0))


main()
