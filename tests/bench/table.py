"""Judges the lines, and writes them as text."""

import dataclasses
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import comparison  # noqa: E402  it is in the folder above
from lines import Line  # noqa: E402

WIDTH = 54


@dataclasses.dataclass
class Judged:
    """A line with what was measured; `reason` is why there is nothing, and then it is missed."""
    line: Line
    verdict: str
    reason: str | None = None
    ours: list = dataclasses.field(default_factory=list)
    theirs: list = dataclasses.field(default_factory=list)
    ratio: float | None = None
    interval: tuple | None = None

    @property
    def missed(self):
        return self.verdict == "MISS"


def judge(line, figures, failures):
    """`figures` has a list per job, of one dictionary per round; see rounds.measure()."""
    for job in (line.ours, line.theirs):
        if job in failures:
            return Judged(line, "MISS", failures[job])
    try:
        ours = [one[line.our_figure] for one in figures[line.ours]]
        theirs = [one[line.their_figure] for one in figures[line.theirs]]
    except KeyError as name:
        return Judged(line, "MISS", f"there is no {name.args[0]}")
    if not all(value > 0 for value in ours + theirs):
        return Judged(line, "MISS", "a figure is 0")
    ratio = comparison.ratio_of_rounds(ours, theirs)
    interval = comparison.interval(ours, theirs, comparison.ratio_of_rounds)
    return Judged(line, verdict(line, ratio), None, ours, theirs, ratio, interval)


def verdict(line, ratio):
    if line.noise:
        return "noise"
    if line.limit is None:
        return "-"
    # By the ratio alone: the interval says what that is worth.
    held = ratio >= line.limit if line.large_is_good else ratio <= line.limit
    return "ok" if held else "MISS"


def limit_of(line):
    if line.limit is None:
        return ""
    return f"{'>=' if line.large_is_good else '<='} {line.limit:.2f}"


def text(judged, left_out):
    """The table; `left_out` has a sentence for what was not measured."""
    rows = [f"{'':{WIDTH}}{'first':>9}{'second':>9}  ratio  90 % interval  limit    verdict"]
    group = None
    for one in judged:
        if one.line.group != group:
            group = one.line.group
            rows.append(group)
        rows.append(row(one))
    missed = sum(one.missed for one in judged)
    limits = sum(one.line.limit is not None for one in judged)
    return "\n".join([*rows, *left_out, f"{missed} missed; {limits} lines have a limit"])


def figure(value):
    """Within a host some are hundredths of a microsecond."""
    return f"{value:.3f}" if value < 10 else f"{value:.2f}"


def row(one):
    start = f"  {one.line.title:{WIDTH - 2}}"
    if one.reason:
        return f"{start}{one.verdict}: {one.reason}"
    low, high = one.interval
    medians = [statistics.median(values) for values in (one.ours, one.theirs)]
    first, second = map(figure, medians)
    return (f"{start}{first:>9}{second:>9}  {one.ratio:5.2f}  {low:5.2f} - {high:5.2f}"
            f"  {limit_of(one.line):7}  {one.verdict}")
