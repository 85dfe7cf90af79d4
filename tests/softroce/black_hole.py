#!/usr/bin/python3
"""A path between rxe and the soft NIC whose middle drops large packets without a word: connect says
so at either end, and works with a path MTU that fits."""

import contextlib

import rxe
import network  # rxe has made it findable
from support import Server, check, code_of, finish, run, skip


@contextlib.contextmanager
def narrow_path():
    """The far end behind a bridge with a port of MTU 1500; all else has 9000."""
    with rxe.neighbour() as middle, network.namespaces("end") as (end,):
        rxe.ip("-n", middle, "address", "flush", "dev", "far")
        rxe.ip("-n", middle, "link", "add", "bridge", "type", "bridge")
        rxe.ip("-n", middle, "link", "add", "inner", "mtu", 1500, "type", "veth",
               "peer", "name", "outer", "mtu", 9000, "netns", end)
        for device in ("far", "inner"):
            rxe.ip("-n", middle, "link", "set", device, "master", "bridge", "up")
        rxe.ip("-n", middle, "link", "set", "bridge", "up")
        rxe.ip("-n", end, "link", "set", "outer", "up")
        rxe.ip("-n", end, "address", "add", f"{rxe.NEIGHBOUR['IPv4']}/24", "dev", "outer")
        yield rxe.far_end(end)


def connects(name, server_end, client_end):
    address = server_end.addresses["IPv4"]
    with Server("--bind", address, namespace=server_end.namespace, env=server_end.env) as server:
        for mtu, code in ((4096, "mtu_black_hole"), (1024, None)):
            done = run("ping", address, "-p", server.port, "-n", 10, "-s", 5000, "-m", mtu,
                       namespace=client_end.namespace, env=client_end.env)
            check(f"{name}, path MTU {mtu}: {code or 'works'}", code_of(done) == code
                  if code else done.returncode == 0, (done.returncode, done.stderr))


def main():
    if why := rxe.missing():
        skip("black_hole", why)
        finish()
    with narrow_path() as far:
        connects("rxe serves", rxe.near_end(), far)
        connects("the soft NIC serves", far, rxe.near_end())
    finish()


main()
