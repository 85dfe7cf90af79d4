"""Rounds in which everyone does its job once."""

import sys

import ends

ATTEMPTS = 2


def in_order(jobs, number, rounds):
    """The jobs of a round: each round starts at another of them, and every other one goes
    backwards, as what was run before may matter."""
    jobs = list(jobs)
    start = number * len(jobs) // rounds
    turned = jobs[start:] + jobs[:start]
    return turned[::-1] if number % 2 else turned


def measure(contestants, rounds):
    """The figures of each job, one per round, and why those failed that did. Who failed is not
    asked in later rounds: its lines are missed, and it might take until the time limit each time.
    """
    figures = {job: [] for job in contestants}
    failures = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for job in in_order(contestants, number, rounds):
            if job in failures:
                continue
            try:
                figures[job].append(attempted(job, contestants[job]))
            except ends.Failed as failure:
                failures[job] = str(failure)
    return figures, failures


def attempted(job, function):
    """Its figures. A failure may be of a machine with other work: two ends that poll on CPUs that
    others use too now and then wait for each other all the time."""
    for attempt in range(ATTEMPTS):
        try:
            return function()
        except ends.Failed as failure:
            print(f"{job}: {failure}", file=sys.stderr, flush=True)
            if attempt == ATTEMPTS - 1:
                raise
