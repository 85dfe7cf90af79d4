#!/usr/bin/python3
"""Paths that would fail later fail connect, each with its own code."""

import contextlib

import network
from support import Server, check, code_of, finish, result, run, skip

DROP_UDP = """
table inet broken {
  chain incoming {
    type filter hook input priority 0
    meta l4proto udp drop
  }
}
"""

MASQUERADE = """
table ip broken {
  chain outgoing {
    type nat hook postrouting priority 100
    masquerade
  }
}
"""


@contextlib.contextmanager
def bridged(end_mtu, bridge_mtu):
    """Two hosts on a bridge whose ports silently drop what is longer than `bridge_mtu`."""
    with network.namespaces("a", "b", "s") as (left, right, switch):
        network.ip(switch, "link", "add", "br0", "type", "bridge")
        for host, name, address in ((left, "p1", "10.0.0.1/24"), (right, "p2", "10.0.0.2/24")):
            network.join(host, switch, name, end_mtu, right_mtu=bridge_mtu)
            network.ip(switch, "link", "set", name, "master", "br0")
            network.address(host, name, address)
        network.ip(switch, "link", "set", "br0", "up")
        yield left, right


@contextlib.contextmanager
def routed():
    """Two hosts with a router between them: 10.1.0.1 - 10.1.0.254, 10.2.0.254 - 10.2.0.1."""
    with network.namespaces("a", "b", "r") as (left, right, router):
        network.join(left, router, "left")
        network.join(right, router, "right")
        network.address(left, "left", "10.1.0.1/24")
        network.address(right, "right", "10.2.0.1/24")
        network.address(router, "left", "10.1.0.254/24")
        network.address(router, "right", "10.2.0.254/24")
        network.ip(left, "route", "add", "default", "via", "10.1.0.254")
        network.ip(right, "route", "add", "default", "via", "10.2.0.254")
        network.run_in(router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        yield left, right, router


# What the line on stderr says besides the code: what is the matter, and what to do.
SAID = {
    "mtu_black_hole": ("path from UDP 10.0.0.1:", "small packets, but none of a full path MTU",
                       "`tracepath`", "MAPWIRE_PATH_MTU"),
    "path_blocked": ("path from UDP 10.0.0.1:", "no packets although TCP passes",
                     "open the firewall for UDP", "`nft list ruleset`"),
    "address_translated": ("address translation", "connect without it"),
}


def fails_with(code, completed):
    """Whether a client failed with this code and its text."""
    return (completed.returncode, code_of(completed)) == (1, code) and all(
        part in completed.stderr for part in SAID[code])


def black_hole():
    with bridged(9000, 1500) as (left, right):
        with Server("--bind", "0.0.0.0", namespace=right) as server:
            completed = run("ping", "10.0.0.2", "-p", server.port, namespace=left)
            check("a black hole for full packets fails connect",
                  fails_with("mtu_black_hole", completed), completed.stderr)
            completed = run("ping", "10.0.0.2", "-p", server.port, "-m", 1024, "-n", 10, "--verify",
                            namespace=left)
            check("a path MTU that fits gets through the same path", completed.returncode == 0,
                  completed.stderr)
    with bridged(9000, 9000) as (left, right):
        with Server("--bind", "0.0.0.0", namespace=right) as server:
            completed = run("ping", "10.0.0.2", "-p", server.port, "-n", 10, "--json",
                            namespace=left)
            check("the same bridge without the fault works at 4096",
                  result(completed).get("mtu") == 4096, completed.stderr)


def udp_blocked():
    for blocked in ("server", "client"):
        with network.pair() as (left, right):
            if not network.nft(right if blocked == "server" else left, DROP_UDP):
                skip(f"UDP blocked at the {blocked}", "needs nft and a kernel with nf_tables")
                continue
            with Server("--bind", "0.0.0.0", namespace=right) as server:
                completed = run("ping", "10.0.0.2", "-p", server.port, namespace=left)
                check(f"UDP blocked at the {blocked} fails connect",
                      fails_with("path_blocked", completed), completed.stderr)


def translated():
    with routed() as (left, right, router):
        with Server("--bind", "0.0.0.0", namespace=right) as server:
            completed = run("ping", "10.2.0.1", "-p", server.port, "-n", 10, "--verify",
                            namespace=left)
            check("a router between the hosts does no harm", completed.returncode == 0,
                  completed.stderr)
            if not network.nft(router, MASQUERADE):
                skip("address translation", "needs nft and a kernel with masquerade")
                return
            completed = run("ping", "10.2.0.1", "-p", server.port, namespace=left)
            check("an address translation fails connect",
                  fails_with("address_translated", completed), completed.stderr)


def main():
    if why := network.missing():
        skip("broken_paths", why)
        finish()
    black_hole()
    udp_blocked()
    translated()
    finish()


main()
