#!/usr/bin/python3
"""mapwire over rxe: every operation between two processes on the device, and between the device and
a soft NIC in another namespace, either of them the server."""

import rxe
from support import check, finish, mapwire, skip, Process, inside

FAR = {"IPv4": "10.9.0.2", "IPv6": "fd09::2"}
OPS = ["send", "send_imm", "write", "write_imm", "read", "cas", "faa"]


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


def far_namespace():
    for command in (["ip", "netns", "add", "far"], ["ip", "link", "set", "far", "netns", "far"],
                    ["ip", "-n", "far", "link", "set", "lo", "up"],
                    ["ip", "-n", "far", "link", "set", "far", "up"],
                    ["ip", "-n", "far", "address", "add", FAR["IPv4"] + "/24", "dev", "far"],
                    ["ip", "-n", "far", "address", "add", FAR["IPv6"] + "/64", "dev", "far",
                     "nodad"]):
        status, text = rxe.output(*command)
        check(" ".join(command), status == 0, text)


def soft_and_device(kind, op, server_is_soft):
    server = (FAR if server_is_soft else rxe.ADDRESSES)[kind]
    ends = [inside("far"), []] if server_is_soft else [[], inside("far")]
    nics = ["soft", "verbs"] if server_is_soft else ["verbs", "soft"]
    with Process(*ends[0], mapwire(), "ping", "--bind", server, "--nic", nics[0], "--once"):
        status, text = rxe.output(*ends[1], mapwire(), "ping", server, "--nic", nics[1], "--op",
                                  op, "-n", 50, "--verify", *sizes(op))
    check(f"{nics[1]} to {nics[0]}, {kind}, {op}", status == 0 and f"NIC {nics[1]}" in text, text)


def main():
    if why := rxe.missing():
        skip("ping", why)
        finish()
    for op in OPS:
        two_processes(op)
    bandwidth()
    events()
    far_namespace()
    for kind in FAR:
        for op in OPS:
            soft_and_device(kind, op, server_is_soft=True)
            soft_and_device(kind, op, server_is_soft=False)
    finish()


main()
