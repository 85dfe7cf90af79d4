#!/usr/bin/python3
"""A mapwire endpoint on rxe and one on the soft NIC, and either is killed while requests of every
kind stream both ways: the other sees all of its requests complete, connects again, and the kernel
keeps nothing of the dead.

MAPWIRE_TEST_KILLS is how often; MAPWIRE_TEST_SEED makes the moments the same again.
"""

import os
import random
import signal
import time

import rxe
from support import check, finish, skip

KILLS = int(os.environ.get("MAPWIRE_TEST_KILLS", "8"))
SEED = os.environ.get("MAPWIRE_TEST_SEED", str(random.randrange(2**32)))
PORT = 18800
BRIEF = 100  # requests of a connection that only shows that it works
# The kernel takes the memory of a process from rxe before its queue pairs: a request that comes
# between finds none, which the peer is told.
TELLING = ("peer_dead", "retry_exceeded", "remote_operational", "remote_access")
# A killed process is gone when the kernel has cleaned up behind it.
CLEAN_UP_S = 30


def all_completed(name, survivor):
    ended = survivor.wait_for_line(r"ended: (\w+); (\d+) of (\d+) requests completed")
    check(f"{name}: the survivor sees every request complete",
          ended and ended.group(2) == ended.group(3), survivor.lines)
    check(f"{name}: with a code that tells of the peer",
          ended and ended.group(1) in TELLING, survivor.lines)


def connects(name, server_end, client_end):
    with rxe.stream(client_end, "connect", server_end, PORT, BRIEF) as client:
        check(f"{name}: a new connection works", client.end() == 0, client.lines)


def kill_one(name, server_end, client_end, kill_server):
    with rxe.stream(server_end, "serve", server_end, PORT) as server:
        server.wait_for_line("listening")
        with rxe.stream(client_end, "connect", server_end, PORT) as client:
            check(f"{name}: it streams", client.wait_for_line("streaming"), client.lines)
            time.sleep(random.uniform(0, 0.5))
            victim, survivor = (server, client) if kill_server else (client, server)
            victim.signal(signal.SIGKILL)
            all_completed(name, survivor)
        if not kill_server:
            connects(name, server_end, client_end)
            return
    with rxe.stream(server_end, "serve", server_end, PORT) as server:
        server.wait_for_line("listening")
        connects(name, server_end, client_end)


def kernel_is_clean(name, base_line):
    until = time.monotonic() + CLEAN_UP_S
    while rxe.resources() != base_line and time.monotonic() < until:
        time.sleep(0.1)
    check(f"{name}: the kernel keeps nothing", rxe.resources() == base_line,
          (base_line, rxe.resources()))


def main():
    if why := rxe.missing():
        skip("killed_peers", why)
        finish()
    print(f"  the same moments again: MAPWIRE_TEST_SEED={SEED}")
    random.seed(SEED)
    base_line = rxe.resources()
    with rxe.neighbour() as namespace:
        ends = (rxe.near_end(), rxe.far_end(namespace))
        for number in range(KILLS):
            server_end, client_end = ends if number % 2 == 0 else ends[::-1]
            kill_server = number % 4 >= 2
            victim = server_end if kill_server else client_end
            name = f"{number + 1}: {victim.nic} killed as {'server' if kill_server else 'client'}"
            kill_one(name, server_end, client_end, kill_server)
            kernel_is_clean(name, base_line)
    finish()


main()
