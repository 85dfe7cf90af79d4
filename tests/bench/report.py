"""What a run leaves behind in files: all figures as JSON, and the curves of the plot."""

import json
import statistics

import plot


def document(judged, figures, failures, left_out, context):
    """Everything that was measured, so that other questions can be asked of it later."""
    return {**context,
            "lines": [line_of(one) for one in judged],
            "left_out": left_out,
            "jobs": [{"who": job.who, "what": job.what, "bytes": job.size, "rounds": figures[job],
                      "failure": failures.get(job)} for job in figures]}


def line_of(one):
    found = {"group": one.line.group, "title": one.line.title, "limit": one.line.limit,
             "verdict": one.verdict}
    if one.reason:
        return {**found, "reason": one.reason}
    return {**found, "first": statistics.median(one.ours), "second": statistics.median(one.theirs),
            "ratio": one.ratio, "interval_90": list(one.interval)}


def curves(figures):
    """The latencies of everyone over the sizes: medians, and averages of who tells no more; of
    mapwire the baselines too."""
    found = {}
    for job, rounds in figures.items():
        if job.what != "latency" or not rounds or job.who.endswith(" again"):
            continue
        figure = "median" if "median" in rounds[0] else "average"
        name = job.who if figure == "median" else f"{job.who} (average)"
        add(found, name, job.size, rounds, figure)
        if "baseline" in rounds[0]:
            add(found, f"{job.who} baseline", job.size, rounds, "baseline")
    # One point is no curve, and small beside it in the table.
    return {name: points for name, points in found.items() if len(points) > 1}


def add(found, name, size, rounds, figure):
    found.setdefault(name, []).append((size, statistics.median(one[figure] for one in rounds)))


def write(folder, text, curves_found):
    """The paths of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "bench.json"]
    paths[0].write_text(json.dumps(text, indent=2) + "\n")
    if curves_found:
        paths.append(folder / "latency.svg")
        paths[1].write_text(plot.svg(curves_found, "Latency between two processes on one host",
                                     "half the round trip in microseconds"))
    return paths
