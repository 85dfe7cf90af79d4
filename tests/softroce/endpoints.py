#!/usr/bin/python3
"""Two mapwire endpoints, one on rxe and one on the soft NIC in another namespace: every operation,
from either end, every byte verified, and no more packets than messages and losses need.

MAPWIRE_TEST_MESSAGES is the number of messages each way in each run; of one-sided operations there
are a fifth as many.
"""

import os
import time

import rxe
from support import PATIENCE_S, Server, check, code_of, finish, result, run, skip

MESSAGES = int(os.environ.get("MAPWIRE_TEST_MESSAGES", "100"))
BYTES = 10000  # several packets, the last of them not full
OPERATIONS = {  # bytes and count of each
    "send": (BYTES, MESSAGES),
    **{op: (BYTES, MESSAGES // 5) for op in ("send_imm", "write", "write_imm", "read")},
    **{op: (8, MESSAGES // 5) for op in ("cas", "faa")},
}


def operate(name, server, client, address, mtu):
    """Every operation against the server; how many packets each way they need."""
    needed = 0
    for op, (size, count) in OPERATIONS.items():
        done = run("ping", address, "-p", server.port, "--op", op, "-s", size, "-n", count,
                   "--warmup", 0, "-m", mtu, "--verify", "--json", namespace=client.namespace,
                   env=client.env, timeout_s=PATIENCE_S + count)
        check(f"{name}: {op}", done.returncode == 0 and result(done).get("complete"),
              (code_of(done), done.stderr, server.lines))
        check(f"{name}: {op} is served by {client.nic}", result(done).get("nic") == client.nic,
              done.stdout)
        needed += count * (-(-size // mtu) + 1)
    return needed


def run_between(name, server_end, client_end, kind, mtu):
    before = rxe.packets()
    start = time.monotonic()
    address = server_end.addresses[kind]
    with Server("--bind", address, namespace=server_end.namespace, env=server_end.env) as server:
        needed = operate(name, server, client_end, address, mtu)
    sent, received = (after - then for after, then in zip(rxe.packets(), before))
    print(f"  {time.monotonic() - start:.1f} s; {needed} packets needed, rxe sent {sent} and "
          f"received {received}")
    # Credits, probes and the words between the ends are beyond what is needed.
    check(f"{name}: no storm of packets", max(sent, received) < 3 * needed + 1000)


def main():
    if why := rxe.missing():
        skip("endpoints", why)
        finish()
    for loss_percent in (0, 1):
        with rxe.neighbour(loss_percent) as namespace:
            near, far = rxe.near_end(), rxe.far_end(namespace)
            for kind, mtu in rxe.paths(loss_percent, full_counts=MESSAGES > 1000):
                path = f"{kind}, MTU {mtu}, {loss_percent} % loss"
                run_between(f"{path}, rxe serves", near, far, kind, mtu)
                run_between(f"{path}, the soft NIC serves", far, near, kind, mtu)
    finish()


main()
