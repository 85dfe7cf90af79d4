#!/usr/bin/python3
"""ibv_rc_pingpong over rxe with the soft NIC at the other end: either role, every byte compared,
and no more packets than the messages and the losses need.

MAPWIRE_TEST_MESSAGES is the number of messages each way in each run.
"""

import os
import time

import rxe
from support import PATIENCE_S, Process, build_dir, check, finish, skip

MESSAGES = int(os.environ.get("MAPWIRE_TEST_MESSAGES", "100"))
BYTES = 10000  # several packets, the last of them not full
PORT = 18600


def program(kind, mtu, *more):
    """The program of the other make, whose GID is on `near`."""
    return Process("ibv_rc_pingpong", "-d", rxe.DEVICE, "-g", rxe.gid_index(kind), "-m", mtu,
                   "-p", PORT, "-s", BYTES, "-n", MESSAGES, *more)


def soft(namespace, kind, mtu, *more):
    return Process(build_dir() / "tests/interop/rc_pingpong", rxe.NEIGHBOUR[kind],
                   rxe.ADDRESSES[kind], "-m", mtu, "-p", PORT, "-s", BYTES, "-n", MESSAGES, *more,
                   namespace=namespace)


def ends(name, mtu, own, other):
    """Waits for both ends."""
    packets = {direction: rxe.counter(direction) for direction in ("sent_pkts", "rcvd_pkts")}
    start = time.monotonic()
    status = own.end(PATIENCE_S + MESSAGES)
    took_s = time.monotonic() - start
    check(f"{name}: every message came as it was sent", status == 0, own.lines)
    check(f"{name}: the other program is content", other.end() == 0, (other.lines, other.stdout))
    # Each message is acknowledged once. What a loss of 1 % makes be sent again is far less.
    needed = MESSAGES * (-(-BYTES // mtu) + 1)
    for direction, before in packets.items():
        packets[direction] = rxe.counter(direction) - before
    print(f"  {MESSAGES} messages each way in {took_s:.1f} s; {needed} packets needed, rxe sent "
          f"{packets['sent_pkts']} and received {packets['rcvd_pkts']}")
    check(f"{name}: no storm of packets", max(packets.values()) < 2 * needed + 100, packets)


def both_roles(namespace, kind, mtu, path):
    with soft(namespace, kind, mtu) as server:
        server.wait_for_line("listening")
        with program(kind, mtu, rxe.NEIGHBOUR["IPv4"]) as client:
            ends(f"{kind}, MTU {mtu}, {path}, the soft NIC serves", mtu, server, client)
    with program(kind, mtu) as server:
        rxe.wait_for_tcp(PORT)
        with soft(namespace, kind, mtu, "--connect", rxe.ADDRESSES["IPv4"]) as client:
            ends(f"{kind}, MTU {mtu}, {path}, the soft NIC calls", mtu, client, server)


def main():
    if why := rxe.missing():
        skip("rc_pingpong", why)
        finish()
    for loss_percent, path in ((0, "no loss"), (1, "1 % loss")):
        with rxe.neighbour(loss_percent) as namespace:
            for kind, mtu in rxe.paths(loss_percent, full_counts=MESSAGES > 1000):
                both_roles(namespace, kind, mtu, path)
    finish()


main()
