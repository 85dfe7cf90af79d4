#!/usr/bin/python3
"""A peer that sleeps ten seconds without polling serves one-sided operations and lives."""

from support import Process, build_dir, check, finish

SECONDS = 10


def main():
    program = build_dir() / "tests" / "integration" / "sleeping_peer"
    with Process(program, SECONDS) as sleeper:
        listening = sleeper.wait_for_line(r"listening on (\S+)")
        check("the sleeper listens", listening, sleeper.lines)
        with Process(program, SECONDS, listening.group(1)) as worker:
            check("one-sided operations complete while the peer sleeps", worker.end() == 0,
                  worker.lines)
            rounds = int(worker.stdout.split()[0]) if worker.stdout else 0
            print(f"  {worker.stdout.strip()}")
            # A peer that served only now and then would manage a few.
            check("and not only now and then", rounds > 10 * SECONDS, rounds)
            check("the connection lives when it wakes up", sleeper.end() == 0, sleeper.lines)
    finish()


main()
