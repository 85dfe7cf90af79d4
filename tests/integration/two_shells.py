#!/usr/bin/python3
"""A server and a client on one host: either order, IPv4 and IPv6, every size, every operation."""

import os
import pathlib
import re
import signal
import time

from support import (Process, Server, check, code_of, finish, free_port, mapwire, result, run,
                     skip)

BASELINE = re.compile(r"^# baseline (\w+): [\d.]+ \S+, ratio \d+\.\d\d", re.M)
BASELINES = {"udp": ("udp_ping_pong", "udp_stream", "udp_stream_offload"),
             "shm": ("cache_line_ping_pong", "memory_copy")}
OPERATIONS = ["send", "send_imm", "write", "write_imm", "read", "cas", "faa", "put"]


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


def beside_a_baseline():
    if len(os.sched_getaffinity(0)) < 2:
        skip("--baseline", "needs two CPUs")
        return
    for arguments in (["ping", "-n", 100], ["ping", "--op", "read", "-n", 100, "--verify"],
                      ["ping", "-D", "100ms", "--deadline", "1s"], ["bw", "-n", 100],
                      ["bw", "--op", "write", "-D", "50ms", "--report_gbits"]):
        for wire, names in BASELINES.items():
            completed = run(*arguments, "--local", "--wire", wire, "--baseline")
            found = BASELINE.search(completed.stdout)
            name = " ".join(map(str, arguments))
            check(f"{name} --wire {wire} --baseline prints a line",
                  completed.returncode == 0 and found and found.group(1) in names,
                  (completed.stdout, completed.stderr))
    document = result(run("ping", "--local", "--baseline", "-n", 101, "--json"))
    row = (document.get("results") or [{}])[0]
    check("all iterations are measured, in slices", row.get("iterations") == 101, document)
    ratio = row["usec"]["p50"] / row["baseline"]["usec_p50"] if "baseline" in row else 0
    check("the ratio is that of the medians", abs(ratio - row.get("ratio", -1)) < 1e-6, row)
    long = run("ping", "--local", "--wire", "udp", "--baseline", "-s", "128K", "-n", 20)
    check("messages that no datagram holds are measured without",
          long.returncode == 0 and "one datagram" in long.stderr
          and not BASELINE.search(long.stdout), (long.stdout, long.stderr))
    far = run("ping", "127.0.0.1", "--baseline")
    check("--baseline needs --local", far.returncode == 2 and "--local" in far.stderr, far.stderr)


def a_paused_server_does_not_outlive_its_client():
    """It stands still while a baseline is measured, most of the time here."""
    with Process(mapwire(), "ping", "--local", "--baseline", "-D", "60s") as client:
        time.sleep(1)
        pid = client.process.pid
        found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        check("the server of --local is a child", len(found) == 1, found)
        client.signal(signal.SIGKILL)
        client.end()
    gone = time.monotonic() + 10
    left = found
    while left and time.monotonic() < gone:
        left = [pid for pid in left if pathlib.Path(f"/proc/{pid}").exists()]
        time.sleep(0.1)
    check("and ends with its client", not left, left)


def main():
    with Server() as server:
        every_size_leaves_its_receives_to_the_next(server)
        every_size_arrives_whole(server)
        every_operation_works(server)
        every_manner_works(server)
    client_may_start_first()
    server_serves_one_after_another()
    both_ends_at_once()
    beside_a_baseline()
    a_paused_server_does_not_outlive_its_client()
    finish()


main()
