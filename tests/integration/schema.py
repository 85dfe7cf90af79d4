#!/usr/bin/python3
"""What --json prints validates against docs/schema/, also when a run breaks off."""

import json
import signal
import tempfile
import time

from schema_files import jsonschema, problem
from support import Process, Server, check, finish, mapwire, result, run, skip


def valid(name, tool, document):
    wrong = problem(tool, document)
    check(name, document and wrong is None, wrong)


def main():
    if jsonschema is None:
        skip("schema", "needs python3-jsonschema")
        finish()
    for op in ("send", "write", "read", "faa"):
        valid(f"ping --op {op}", "ping", result(run("ping", "--local", "--op", op, "-n", 50,
                                                    "--verify", "--json")))
    valid("bw", "bw", result(run("bw", "--local", "-n", 50, "--json")))
    valid("ping --baseline", "ping", result(run("ping", "--local", "--baseline", "-a", "-n", 20,
                                                "--json")))
    valid("bw --baseline", "bw", result(run("bw", "--local", "--baseline", "-n", 50, "--json")))
    valid("bw -b", "bw", result(run("bw", "--local", "-b", "-n", 50, "--json")))

    valid("doctor", "doctor", result(run("doctor", "--json")))
    valid("info", "info", result(run("info", "--json")))
    for address in ("127.0.0.1", "[::1]"):
        valid(f"info {address}", "info", result(run("info", address, "--json")))

    document = result(run("ping", "--local", "-a", "-n", 5, "--json"))
    valid("ping -a", "ping", document)
    document["results"][0]["usec"]["p50"] = "2.5"
    check("a number as text is found", problem("ping", document), "the schema takes anything")

    with tempfile.NamedTemporaryFile() as file:
        completed = run("ping", "--local", "-n", 50, "--out-json", file.name)
        valid("--out-json", "ping", json.load(file))
        check("and the table is printed as well", "t_typical[usec]" in completed.stdout,
              completed.stdout)

    with Server() as server:
        with Process(mapwire(), "ping", "127.0.0.1", "-p", server.port, "-D", "60s",
                     "--json") as client:
            server.wait_for_line("listening")
            time.sleep(2)
            client.signal(signal.SIGINT)
            check("Ctrl-C ends a client with 130", client.end() == 130, client.lines)
            document = json.loads(client.stdout or "{}")
            valid("what was measured before Ctrl-C", "ping", document)
            check("and it is marked", document.get("complete") is False
                  and document["results"][0]["iterations"] > 0, document)
    finish()


main()
