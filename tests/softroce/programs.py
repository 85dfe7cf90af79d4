#!/usr/bin/python3
"""The bed itself: programs of others reach each other over rxe."""

import rxe
from support import Process, check, finish, skip


def both_ends(name, server, client, wait_for_server):
    """Runs two ends of a program."""
    with Process(*server) as listening:
        wait_for_server()
        status, text = rxe.output(*client)
        check(f"{name}: the client", status == 0, text)
        check(f"{name}: the server", listening.end() == 0, listening.lines)


def rc_pingpong(kind, mtu):
    end = ["ibv_rc_pingpong", "-d", rxe.DEVICE, "-g", rxe.gid_index(kind), "-m", mtu, "-n", 100,
           "-s", 20000, "-c"]
    both_ends(f"ibv_rc_pingpong over {kind} at MTU {mtu}", end, [*end, rxe.ADDRESSES["IPv4"]],
              lambda: rxe.wait_for_tcp(18515))


def rping(kind):
    end = ["rping", "-a", rxe.ADDRESSES[kind], "-C", 20, "-v"]
    both_ends(f"rping over {kind}", [*end, "-s"], [*end, "-c"],
              lambda: rxe.wait_for_listener(["rdma", "resource", "show", "cm_id"], "LISTEN"))


def main():
    if why := rxe.missing():
        skip("programs", why)
        finish()
    for kind in rxe.ADDRESSES:
        rc_pingpong(kind, 1024)
        rc_pingpong(kind, 4096)
        rping(kind)
    finish()


main()
