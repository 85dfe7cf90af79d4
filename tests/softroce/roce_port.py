#!/usr/bin/python3
"""Who owns UDP port 4791: rxe in its namespace, one process per address elsewhere. Whoever comes
too late for an rdma:// address is told so, and connections between mapwire processes work."""

import rxe
from support import Process, Server, build_dir, check, finish, serves, skip

SECOND = "10.9.0.3"


def listener(address, namespace=None):
    return Process(build_dir() / "tests/interop/rping_peer", "serve", f"rdma://{address}:7174", 1,
                   namespace=namespace)


def is_refused(name, address, namespace=None):
    with listener(address, namespace) as late:
        status = late.end()
        text = " ".join(late.lines)
        said = all(part in text for part in ("roce_port_in_use", address, "rdma_rxe", "ss -lunp"))
        check(name, status == 1 and said, (status, text))


def shows_owner(namespace=None):
    """What the message tells to look at."""
    command = ["ss", "-lunp", "sport", "=", ":4791"]
    return rxe.output(*(["ip", "netns", "exec", namespace] if namespace else []), *command)[1]


def beside_rxe():
    is_refused("no rdma:// listener where rxe owns the port", rxe.ADDRESSES["IPv4"])
    is_refused("nor at another address of that namespace", "127.0.0.1")
    check("ss shows the kernel's socket", ":4791" in shows_owner(), shows_owner())
    with Server() as server:
        check("mapwire processes connect beside rxe", serves(server))


def beside_each_other(namespace):
    rxe.ip("-n", namespace, "address", "add", f"{SECOND}/24", "dev", "far")
    with listener(rxe.NEIGHBOUR["IPv4"], namespace) as owner:
        check("a process has the port at its address", owner.wait_for_line("listening"),
              owner.lines)
        is_refused("a second one is refused there", rxe.NEIGHBOUR["IPv4"], namespace)
        check("ss names the owner", "rping_peer" in shows_owner(namespace), shows_owner(namespace))
        with listener(SECOND, namespace) as other:
            check("another address has room for another process", other.wait_for_line("listening"),
                  other.lines)
        with Server(namespace=namespace) as server:
            check("mapwire processes connect beside it", serves(server, namespace=namespace))
    with listener(rxe.NEIGHBOUR["IPv4"], namespace) as heir:
        check("a port whose owner was killed is free", heir.wait_for_line("listening"), heir.lines)


def main():
    if why := rxe.missing():
        skip("roce_port", why)
        finish()
    beside_rxe()
    with rxe.neighbour() as namespace:
        beside_each_other(namespace)
    finish()


main()
