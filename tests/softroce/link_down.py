#!/usr/bin/python3
"""The link between rxe and the soft NIC goes down and comes back: every request of both ends fails
by its deadline, and afterwards all is as before.

MAPWIRE_TEST_OUTAGE_S is how long; if it is given, also what takes time is judged: connecting within
2 s of the link's return, and nine tenths of the bandwidth.
"""

import os
import statistics
import time

import rxe
from support import PATIENCE_S, Server, check, code_of, finish, result, run, skip

OUTAGE_S = float(os.environ.get("MAPWIRE_TEST_OUTAGE_S", "3"))
JUDGE_TIMES = "MAPWIRE_TEST_OUTAGE_S" in os.environ
DEADLINE_S = 2
SLACK_S = 8  # what a slow machine may take on top
CONNECT_S = 2
PORT = 18900
RUNS = 5 if JUDGE_TIMES else 1


def bandwidth(name, server_end, client_end):
    """The median of some runs, in MB/s."""
    address = server_end.addresses["IPv4"]
    values = []
    with Server("--bind", address, namespace=server_end.namespace, env=server_end.env) as server:
        for _ in range(RUNS):
            done = run("bw", address, "-p", server.port, "-n", 300, "--json", env=client_end.env,
                       namespace=client_end.namespace)
            if check(f"{name}: bw", done.returncode == 0, (code_of(done), done.stderr)):
                values.append(result(done)["results"][0]["mb_per_s"])
    return statistics.median(values or [0])


def fails_by_its_deadline(name, end, since):
    ended = end.wait_for_line(r"ended: (\w+); (\d+) of (\d+) requests completed")
    took_s = time.monotonic() - since
    check(f"{name}: every request fails", ended and ended.group(2) == ended.group(3), end.lines)
    check(f"{name}: by its deadline", took_s < DEADLINE_S + SLACK_S, f"{took_s:.1f} s")
    if ended:
        print(f"  {name}: {ended.group(1)} after {took_s:.1f} s")


def outage(name, server_end, client_end):
    with rxe.stream(server_end, "serve", server_end, PORT) as server:
        server.wait_for_line("listening")
        with rxe.stream(client_end, "connect", server_end, PORT) as client:
            check(f"{name}: it streams", client.wait_for_line("streaming"), client.lines)
            rxe.ip("link", "set", "near", "down")  # which takes its IPv6 address away
            down = time.monotonic()
            fails_by_its_deadline(f"{name}, the client", client, down)
            fails_by_its_deadline(f"{name}, the server", server, down)
        time.sleep(max(0.0, down + OUTAGE_S - time.monotonic()))
        rxe.ip("link", "set", "near", "up")
        rxe.ip("address", "replace", f"{rxe.ADDRESSES['IPv6']}/64", "dev", "near", "nodad")
        up = time.monotonic()
        with rxe.stream(client_end, "connect", server_end, PORT, 1) as client:
            connected = client.wait_for_line("streaming", PATIENCE_S)
            took_s = time.monotonic() - up
            check(f"{name}: it connects when the link is back", connected, client.lines)
    print(f"  {name}: connected {took_s:.2f} s after the link's return")
    check(f"{name}: soon", took_s < CONNECT_S or not JUDGE_TIMES, f"{took_s:.2f} s")


def before_and_after(name, server_end, client_end):
    before = bandwidth(f"{name} before", server_end, client_end)
    outage(name, server_end, client_end)
    after = bandwidth(f"{name} after", server_end, client_end)
    print(f"  {name}: {before:.1f} MB/s before, {after:.1f} MB/s after")
    check(f"{name}: as fast as before", after >= 0.9 * before or not JUDGE_TIMES, (before, after))


def main():
    if why := rxe.missing():
        skip("link_down", why)
        finish()
    with rxe.neighbour() as namespace:
        near, far = rxe.near_end(), rxe.far_end(namespace)
        before_and_after("rxe serves", near, far)
        before_and_after("the soft NIC serves", far, near)
    finish()


main()
