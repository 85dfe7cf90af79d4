#!/usr/bin/python3
"""mapwire over rxe: every operation between two processes on the device, and between the device and
a soft NIC in another namespace, either of them the server."""

import rxe
from support import check, finish, mapwire, skip, Process, inside

OPS = ["send", "send_imm", "write", "write_imm", "read", "cas", "faa", "put"]


def sizes(op):
    return [] if op in ("cas", "faa") else ["-s", "20000"]


def two_processes(op):
    status, text = rxe.output(mapwire(), "ping", "--local", "--nic", "verbs", "--op", op, "-n", 50,
                              "--verify", *sizes(op))
    check(f"ping --local --op {op}", status == 0 and "NIC verbs, wire rxe0" in text, text)


def bandwidth():
    status, text = rxe.output(mapwire(), "bw", "--local", "--nic", "verbs", "-s", 65536, "-n", 200)
    check("bw --local", status == 0, text)


def events():
    status, text = rxe.output(mapwire(), "ping", "--local", "--nic", "verbs", "-e", "-n", 200)
    check("ping --local --events", status == 0, text)


def ping_between(server, client, kind, op):
    address = server.addresses[kind]
    with Process(mapwire(), "ping", "--bind", address, "--once", namespace=server.namespace,
                 env=server.env):
        status, text = rxe.output(*inside(client.namespace), mapwire(), "ping", address, "--nic",
                                  client.nic, "--op", op, "-n", 50, "--verify", *sizes(op))
    check(f"{client.nic} to {server.nic}, {kind}, {op}",
          status == 0 and f"NIC {client.nic}" in text, text)


def main():
    if why := rxe.missing():
        skip("ping", why)
        finish()
    for op in OPS:
        two_processes(op)
    bandwidth()
    events()
    with rxe.neighbour() as namespace:
        near, far = rxe.near_end(), rxe.far_end(namespace)
        for op in OPS:
            ping_between(near, far, "IPv4", op)
            ping_between(far, near, "IPv6", op)
    finish()


main()
