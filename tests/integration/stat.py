#!/usr/bin/python3
"""mapwire stat reads the counters of a process that runs, is stopped, was killed, or is none."""

import contextlib
import fcntl
import os
import pathlib
import re
import signal

from schema_files import jsonschema, problem
from support import Server, check, code_of, finish, result, run, serves, skip

SAMPLE = re.compile(r'mapwire_[a-z0-9_]+_total\{pid="\d+",context="\d+"\} \d+')
DIRECTORY = pathlib.Path(f"/dev/shm/mapwire.{os.geteuid()}")


def valid(name, document):
    if jsonschema is None:
        skip(f"schema of {name}", "needs python3-jsonschema")
        return
    wrong = problem("stat", document)
    check(f"{name} is of the schema", document and wrong is None, wrong)


def stat(pid):
    """The one process that stat finds, or an empty one."""
    return (result(run("stat", pid, "--json")).get("processes") or [{}])[0]


def received(process):
    """The cells it received; -1 if stat does not tell."""
    contexts = process.get("contexts") or [{"counters": {}}]
    return contexts[0]["counters"].get("shm.cells_received", -1)


def a_running_process(server):
    before = received(stat(server.process.pid))
    check("a client is served", serves(server), server.lines)
    process = stat(server.process.pid)
    check("a running process is alive, with its name",
          (process.get("alive"), process.get("program")) == (True, "mapwire"), process)
    check("what it received was counted", received(process) >= before + 20, (before, process))
    valid("stat PID --json", result(run("stat", server.process.pid, "--json")))


def all_formats(server):
    pid = server.process.pid
    table = run("stat", pid)
    check("the table names process and counters", f"process {pid} (mapwire), alive" in table.stdout
          and re.search(r"^ +0 +\d+ shm\.cells_received$", table.stdout, re.M), table.stdout)
    metrics = run("stat", pid, "--prometheus")
    lines = [line for line in metrics.stdout.splitlines() if not line.startswith("# TYPE mapwire_")]
    check("Prometheus reads each line", lines and all(map(SAMPLE.fullmatch, lines)), lines)
    check("and finds the cells", f'mapwire_shm_cells_received_total{{pid="{pid}",context="0"}}'
          in metrics.stdout, metrics.stdout)


def all_processes(server):
    pid = server.process.pid
    listed = run("stat")
    check("stat alone lists it", re.search(rf"^ *{pid} alive +1 mapwire$", listed.stdout, re.M),
          listed.stdout)
    everything = result(run("stat", "--json"))
    valid("stat --json", everything)
    check("and has it in JSON", pid in [each["pid"] for each in everything.get("processes", [])],
          everything)
    check("and for Prometheus", f'pid="{pid}"' in run("stat", "--prometheus").stdout)


def a_stopped_process(server):
    server.signal(signal.SIGSTOP)
    process = stat(server.process.pid)
    check("a stopped process is read and alive",
          process.get("alive") is True and received(process) > 0, process)
    server.signal(signal.SIGCONT)
    check("and not disturbed", serves(server), server.lines)


def a_killed_process(server):
    pid = server.process.pid
    last = received(stat(pid))
    server.signal(signal.SIGKILL)
    server.end()
    process = stat(pid)
    check("a killed process is dead, and has counted what it had",
          (process.get("alive"), received(process)) == (False, last), process)
    valid("a killed process", result(run("stat", pid, "--json")))
    check("the list says so", re.search(rf"^ *{pid} dead ", run("stat").stdout, re.M))
    check("it is nothing to monitor", f'pid="{pid}"' not in run("stat", "--prometheus").stdout)
    for left in DIRECTORY.glob(f"{pid}.*"):
        left.unlink()


def a_damaged_file(server):
    """Another process than `server`, which is listed all the same."""
    damaged = DIRECTORY / "2000000000.5.0"
    with contextlib.ExitStack() as stack:
        stack.callback(damaged.unlink)
        # As one of the dead it could be removed by any process that counts.
        fcntl.flock(stack.enter_context(damaged.open("wb")), fcntl.LOCK_EX)
        for content in (b"", b"garbage", bytes(range(256)) * 256):
            damaged.write_bytes(content)
            completed = run("stat", 2000000000)
            check(f"a file of {len(content)} bytes of something else",
                  (completed.returncode, code_of(completed)) == (1, "bad_file")
                  and str(damaged) in completed.stderr, completed.stderr)
        listed = run("stat").stdout
        check("the list tells about it and goes on", str(damaged) in listed
              and f"{server.process.pid} alive" in listed, listed)
        valid("the list with a damaged file", result(run("stat", "--json")))


def nothing_to_read():
    completed = run("stat", 2000000000)
    check("no such process", (completed.returncode, code_of(completed)) == (1, "invalid_argument")
          and "does not exist" in completed.stderr, completed.stderr)
    completed = run("stat", os.getpid())
    check("a process without counters", completed.returncode == 1
          and "no mapwire context" in completed.stderr, completed.stderr)
    for wrong in ("abc", "0", "-1", "1x", "99999999999"):
        completed = run("stat", wrong)
        check(f"'{wrong}' is no PID", completed.returncode == 2 and not completed.stdout,
              (completed.returncode, completed.stderr))
    check("one format at a time", run("stat", "--json", "--prometheus").returncode == 2)


def another_user(server):
    if os.geteuid() != 0:
        skip("another user's process", "needs root")
        return
    completed = run("stat", server.process.pid, user=65534)
    check("another user's process", (completed.returncode, code_of(completed)) == (1, "permission"),
          completed.stderr)


def main():
    with Server() as server:
        a_running_process(server)
        all_formats(server)
        all_processes(server)
        a_stopped_process(server)
        a_damaged_file(server)
        another_user(server)
        a_killed_process(server)
    nothing_to_read()
    finish()


main()
