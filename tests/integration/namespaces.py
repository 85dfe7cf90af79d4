#!/usr/bin/python3
"""Two hosts, modelled by network namespaces: addresses of every kind, path MTUs, the wildcard."""

import network
from support import Server, check, code_of, finish, result, run, skip


def hosts(left, right):
    """How `left` may call `right`."""
    return {"IPv4": "10.0.0.2", "IPv6": "fd00::2",
            "link-local IPv6": f"{network.link_local(right, 'wire0')}%wire0"}


def path_mtu(mtu, expected):
    with network.pair(mtu) as (left, right):
        with Server("--bind", "[::]", namespace=right) as server:
            for kind, host in hosts(left, right).items():
                completed = run("ping", host, "-p", server.port, "-a", "-n", 3, "--warmup", 1,
                                "--verify", "--json", namespace=left)
                check(f"{kind} at MTU {mtu}, every size, verified", completed.returncode == 0,
                      completed.stderr)
                check(f"{kind} at MTU {mtu} has path MTU {expected}",
                      result(completed).get("mtu") == expected, result(completed).get("mtu"))


def smaller_side_decides():
    with network.namespaces("a", "b") as (left, right):
        network.join(left, right, "wire0", 9000, right_mtu=1500)
        network.address(left, "wire0", "10.0.0.1/24")
        network.address(right, "wire0", "10.0.0.2/24")
        with Server("--bind", "0.0.0.0", namespace=right) as server:
            completed = run("ping", "10.0.0.2", "-p", server.port, "-n", 10, "--verify", "--json",
                            namespace=left)
            check("ends of MTU 9000 and 1500 agree on 1024", completed.returncode == 0
                  and result(completed).get("mtu") == 1024, completed.stderr)


def loopback_is_the_default():
    with network.pair() as (left, right):
        with Server(namespace=right) as server:
            completed = run("ping", "10.0.0.2", "-p", server.port, "--timeout", "500ms",
                            namespace=left)
            check("without --bind other hosts are not served",
                  code_of(completed) in ("connection_refused", "connect_timeout"),
                  completed.stderr)


def main():
    if why := network.missing():
        skip("namespaces", why)
        finish()
    path_mtu(1500, 1024)
    path_mtu(9000, 4096)
    smaller_side_decides()
    loopback_is_the_default()
    finish()


main()
