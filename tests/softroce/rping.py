#!/usr/bin/python3
"""rping over rxe with the soft NIC at the other end: connections that the communication managers
of both set up, either role, with and without loss; mapwire over rxe with either at the other end;
and the commands that docs/foreign_peers.md shows.

MAPWIRE_TEST_ROUNDS is the number of rounds in each connection.
"""

import os
import re
import shlex

import rxe
from support import PATIENCE_S, Process, build_dir, check, finish, skip, source_dir

ROUNDS = int(os.environ.get("MAPWIRE_TEST_ROUNDS", "20"))
SIZES = (64, 10000)  # one packet and several
PORT = 7174
CONNECTIONS = 2  # one after another: the second finds what the first has left
PEER = "build/dev/tests/interop/rping_peer"
SHOWN = re.compile(rf"^    ((?:rping|{PEER}) .*)$", re.MULTILINE)


def rping(*arguments):
    """The program of the other make, on `near`. -V: it compares what comes back."""
    return Process("rping", "-p", PORT, "-C", ROUNDS, "-V", *arguments)


def soft(namespace, *arguments):
    return Process(build_dir() / "tests/interop/rping_peer", *arguments, namespace=namespace)


def device(*arguments):
    """The same program over rxe."""
    return Process(build_dir() / "tests/interop/rping_peer", *arguments,
                   env={"MAPWIRE_NIC": "verbs"})


def url(address):
    return f"rdma://[{address}]:{PORT}" if ":" in address else f"rdma://{address}:{PORT}"


def good_end(name, own):
    status = own.end(PATIENCE_S + ROUNDS)
    check(f"{name}: mapwire's end", status == 0, own.lines)
    if "loss" not in name:
        for what in ("good-bye", "acknowledgement"):
            check(f"{name}: the {what} came", f"no {what} came" not in own.lines, own.lines)


def ends(name, own, other):
    good_end(name, own)
    check(f"{name}: rping", other.end() == 0, (other.lines, other.stdout))


def both_roles(namespace, kind, size, path):
    name = f"{kind}, {size} bytes, {path}"
    with soft(namespace, "serve", url(rxe.NEIGHBOUR[kind]), ROUNDS) as server:
        server.wait_for_line("listening")
        with rping("-c", "-a", rxe.NEIGHBOUR[kind], "-S", size) as client:
            ends(f"{name}, the soft NIC serves", server, client)
    with rping("-s", "-a", rxe.ADDRESSES[kind], "-S", size) as server:
        # It does not say that it listens, and need not: whoever calls waits for it.
        with soft(namespace, "call", url(rxe.ADDRESSES[kind]), ROUNDS, "--size", size) as client:
            ends(f"{name}, the soft NIC calls", client, server)


def mapwire_over_rxe(namespace, kind, size):
    """mapwire by librdmacm, in both roles: its peers are rping on the same device and mapwire's own
    communication manager on the soft NIC."""
    near, far = url(rxe.ADDRESSES[kind]), url(rxe.NEIGHBOUR[kind])
    call = ["call", near, ROUNDS, "--size", size]
    with device("serve", near, ROUNDS) as server:
        server.wait_for_line("listening")
        with rping("-c", "-a", rxe.ADDRESSES[kind], "-S", size) as client:
            ends(f"{kind}, {size} bytes, mapwire over rxe serves", server, client)
    with rping("-s", "-a", rxe.ADDRESSES[kind], "-S", size) as server:
        with device(*call) as client:
            ends(f"{kind}, {size} bytes, mapwire over rxe calls", client, server)
    with device("serve", near, ROUNDS) as server:
        server.wait_for_line("listening")
        with soft(namespace, *call) as client:
            good_end(f"{kind}, {size} bytes, rxe serves the soft NIC", server)
            good_end(f"{kind}, {size} bytes, the soft NIC calls rxe", client)
    with soft(namespace, "serve", far, ROUNDS) as server:
        server.wait_for_line("listening")
        with device("call", far, ROUNDS, "--size", size) as client:
            good_end(f"{kind}, {size} bytes, the soft NIC serves rxe", server)
            good_end(f"{kind}, {size} bytes, rxe calls the soft NIC", client)


def paths():
    """(address family, size) to test; each value once where counts are reduced."""
    if ROUNDS > 100:
        return [(kind, size) for kind in rxe.ADDRESSES for size in SIZES]
    return list(zip(rxe.ADDRESSES, SIZES))


def refusals(namespace):
    """Each end learns from the other that nobody listens at a port."""
    with soft(namespace, "serve", url(rxe.NEIGHBOUR["IPv4"]), ROUNDS) as server:
        server.wait_for_line("listening")
        with Process("rping", "-c", "-a", rxe.NEIGHBOUR["IPv4"], "-p", PORT + 1, "-C", 1) as client:
            refused = client.end() != 0 and "RDMA_CM_EVENT_REJECTED, error 8" in str(client.lines)
            check("rping is refused at a port without listener", refused, client.lines)
    with soft(namespace, "call", url(rxe.ADDRESSES["IPv4"]), ROUNDS) as client:
        refused = client.end() == 1 and "connection_refused" in str(client.lines)
        check("so is the soft NIC", refused, client.lines)


def shown(namespace):
    """The page shows two pairs of commands, each with the end that waits first."""
    page = (source_dir() / "docs/foreign_peers.md").read_text()
    commands = [shlex.split(line) for line in SHOWN.findall(page)]
    check("the page on foreign peers shows two pairs of commands", len(commands) == 4, commands)
    for first, second in zip(commands[::2], commands[1::2]):
        ends_by_program = {}
        for program, *arguments in (first, second):
            if program == PEER:
                ends_by_program[program] = process = soft(namespace, *arguments)
                if "serve" in arguments:
                    process.wait_for_line("listening")
            else:
                ends_by_program[program] = Process(program, *arguments)
        with ends_by_program[PEER] as own, ends_by_program["rping"] as other:
            ends(f"as shown: {shlex.join(second)}", own, other)


def main():
    if why := rxe.missing():
        skip("rping", why)
        finish()
    with rxe.neighbour() as namespace:
        shown(namespace)
        refusals(namespace)
        for kind, size in paths():
            for _ in range(CONNECTIONS):
                both_roles(namespace, kind, size, "clean path")
            mapwire_over_rxe(namespace, kind, size)
    with rxe.neighbour(loss_percent=3) as namespace:
        for kind in rxe.ADDRESSES:
            for _ in range(CONNECTIONS):
                both_roles(namespace, kind, max(SIZES), "3 % loss")
    finish()


main()
