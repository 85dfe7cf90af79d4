#!/usr/bin/python3
"""A server and a client on one host: either order, IPv4 and IPv6, every size, every operation."""

import socket
import time

from support import (Process, Server, check, code_of, finish, mapwire, result, run)

OPERATIONS = ["send", "send_imm", "write", "write_imm", "read", "cas", "faa"]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def rows_of_every_size(server, host, *manner):
    """What a ping of all sizes over one connection measured."""
    completed = run("ping", host, "-p", server.port, "-a", "-n", 20, "--warmup", 2, *manner,
                    "--json")
    rows = result(completed).get("results", [])
    sizes = [row["bytes"] for row in rows]
    check(" ".join(["every size over", host, *manner]),
          completed.returncode == 0 and sizes == [2**n for n in range(1, 24)],
          (completed.returncode, sizes, completed.stderr))
    return rows


def every_size_leaves_its_receives_to_the_next(server):
    """Without --verify, as then a client does less between two messages. It has few receives: what
    each size kept of them would be missing to a later one."""
    rows_of_every_size(server, "127.0.0.1")


def every_size_arrives_whole(server):
    for host in ("127.0.0.1", "::1"):
        rows = rows_of_every_size(server, host, "--verify")
        check(f"no byte was wrong over {host}",
              rows and all(row.get("mismatches") == 0 for row in rows), rows)


def every_operation_works(server):
    for op in OPERATIONS:
        completed = run("ping", "127.0.0.1", "-p", server.port, "--op", op, "-n", 100, "--verify",
                        "--json")
        document = result(completed)
        check(f"ping --op {op}", completed.returncode == 0
              and document["results"][0]["iterations"] == 100, completed.stderr)
    for op in ("send", "write", "read"):
        completed = run("bw", "127.0.0.1", "-p", server.port, "--op", op, "-n", 200, "--json")
        check(f"bw --op {op}", completed.returncode == 0
              and result(completed)["results"][0]["mb_per_s"] > 0, completed.stderr)
    completed = run("bw", "127.0.0.1", "-p", server.port, "-b", "-n", 200, "-s", 4096, "--json")
    check("bw both ways", completed.returncode == 0
          and result(completed)["results"][0]["iterations"] == 400, completed.stderr)


def every_manner_works(server):
    for manner in (["--events"], ["--inline"], ["--threads", "single"], ["--profile", "plain"],
                   ["-m", "256"], ["-t", "2", "-r", "4"], ["-D", "200ms"], ["-H"], ["-U"],
                   ["--faults", "loss=0.05,duplicate=0.05,reorder=0.05,flip=0.01,seed=3"]):
        completed = run("ping", "127.0.0.1", "-p", server.port, "-s", 3000, "--verify", *manner,
                        *([] if "-D" in manner else ["-n", 50]))
        check(f"ping {' '.join(manner)}", completed.returncode == 0, completed.stderr)


def client_may_start_first():
    port = free_port()
    with Process(mapwire(), "ping", "127.0.0.1", "-p", port, "-n", 10, "--verify") as client:
        time.sleep(0.5)
        with Server(port=port) as server:
            check("a client that starts first is served", client.end() == 0, client.lines)
            check("the server tells about it", server.wait_for_line(r"client .*ping send"),
                  server.lines)


def server_serves_one_after_another():
    with Server() as server:
        clients = [Process(mapwire(), "ping", "127.0.0.1", "-p", server.port, "-n", 200)
                   for _ in range(3)]
        codes = [client.end() for client in clients]
        check("three clients at once are served one after another", codes == [0, 0, 0],
              [client.lines for client in clients])
        check("a server ends well by Ctrl-C", server.interrupt() == 0, server.lines)
    with Server("--once") as server:
        run("ping", "127.0.0.1", "-p", server.port, "-n", 5)
        check("--once ends after one client", server.end() == 0, server.lines)


def both_ends_at_once():
    completed = run("ping", "--local", "-n", 100, "--json")
    document = result(completed)
    check("ping --local", completed.returncode == 0, completed.stderr)
    check("it names NIC and wire", document.get("nic") == "soft" and document.get("wire"), document)
    check("bw --local", run("bw", "--local", "-n", 100).returncode == 0)
    mismatched = run("ping", "127.0.0.1", "-p", free_port(), "--timeout", "300ms")
    check("without a server the client says so",
          code_of(mismatched) in ("connection_refused", "connect_timeout"), mismatched.stderr)


def main():
    with Server() as server:
        every_size_leaves_its_receives_to_the_next(server)
        every_size_arrives_whole(server)
        every_operation_works(server)
        every_manner_works(server)
    client_may_start_first()
    server_serves_one_after_another()
    both_ends_at_once()
    finish()


main()
