"""Figures of the program growth: what endpoints cost a context of which one is in use, and what
messages cost with more of them outstanding."""

import json
import pathlib
import socket

import ends

STEPS = (1, 10, 100, 1000, 10000)  # endpoints
SENDS = (1, 4, 16, 64)
PATIENCE_S = 300  # ten thousand connections are made one after the other
KIBIBYTE = 2**10
KIB_ALLOWED = 16
ENDS = ("client", "server")


def growth(command, wire, steps=STEPS):
    """By the program that stands beside `command` in a build."""
    program = pathlib.Path(command).parents[1] / "tests/bench/growth/growth"
    port = free_ports()
    return figures_of(ends.both([program, "serve", port],
                                [program, "measure", port, *steps], port,
                                environment={"MAPWIRE_WIRE": wire}, patience_s=PATIENCE_S), wire)


def free_ports():
    """The first of two that follow each other."""
    while True:
        port = ends.free_port()
        with socket.socket() as second:
            try:
                second.bind((ends.ADDRESS, port + 1))
                return port
            except (OSError, OverflowError):
                continue


def figures_of(text, wire):
    """Nanoseconds, KiB and descriptors, by names that end with the number of endpoints, or of
    sends outstanding; `beside` names what the context of one endpoint took at the same time."""
    try:
        document = json.loads(text)
        found = {f"ns a message, {one['sends']}": one["message_ns"]
                 for one in document["outstanding"]}
        for step in document["growth"]:
            found |= of_step(step, document["growth"][0])
    except (ValueError, LookupError, TypeError):
        raise ends.Failed(f"growth printed no figures: {ends.told(text)}") from None
    if document["wire"] != wire:
        raise ends.Failed(f"growth took wire {document['wire']}, not {wire}")
    return {**found, "KiB, allowed": KIB_ALLOWED}


def of_step(step, first):
    count = step["endpoints"]
    found = {}
    for what in ("poll", "latency"):
        found[f"ns a {what}, {count}"] = step["many"][f"{what}_ns"]
        found[f"beside {count}, ns a {what}"] = step["one"][f"{what}_ns"]
    for end in ENDS:
        found[f"descriptors of the {end}, {count}"] = step[end]["descriptors"]
        if count > first["endpoints"]:
            more = step[end]["resident_bytes"] - first[end]["resident_bytes"]
            each = more / (count - first["endpoints"])
            found[f"KiB each at the {end}, {count}"] = each / KIBIBYTE
    return found
