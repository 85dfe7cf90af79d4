"""Figures of mapwire: `ping` and `bw` with both ends here, as a user has them by default."""

import functools
import json

import ends

MEBIBYTE = 2**20


@functools.cache
def knows_wires(command):
    """Whether this build has the choice of a wire, and so the one within a host."""
    return "--wire" in ends.alone([command, "ping", "--help"])


def latency(command, wire, size, iterations, *more, **options):
    """Half the round trip, with a baseline if that was asked for and can be. The options are those
    of the environment, without MAPWIRE_ in front."""
    return latency_of(run(command, "ping", wire, size, iterations, *more, **options), wire)


def bandwidth(command, wire, size, iterations):
    return bandwidth_of(run(command, "bw", wire, size, iterations), wire)


def run(command, what, wire, size, iterations, *more, **options):
    variables = [f"MAPWIRE_{name.upper()}={value}" for name, value in options.items()]
    # Without the option there is one wire only.
    choice = ["--wire", wire] if knows_wires(command) else []
    return ends.alone(["env", *variables, command, what, "--local", "--json", "--nic", "soft",
                       *choice, "-s", size, "-n", iterations, *more])


def latency_of(text, wire):
    """In microseconds: the median, the average and the baseline's median."""
    result = result_of(text, wire)
    figures = {"median": result["usec"]["p50"], "average": result["usec"]["avg"]}
    if "baseline" in result:
        figures["baseline"] = result["baseline"]["usec_p50"]
    return figures


def bandwidth_of(text, wire):
    """In MiB/s: the payload of the whole run by its time."""
    return {"bandwidth": result_of(text, wire)["mb_per_s"] * 1e6 / MEBIBYTE}


def result_of(text, wire):
    """The one result of a document, which must be of the wire that was asked for."""
    try:
        document = json.loads(text)
        result = document["results"][0]
    except (ValueError, LookupError):
        raise ends.Failed(f"mapwire printed no result: {ends.told(text)}") from None
    if document["wire"] != wire:
        raise ends.Failed(f"mapwire took wire {document['wire']}, not {wire}")
    return result
