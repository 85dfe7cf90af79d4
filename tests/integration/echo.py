#!/usr/bin/python3
"""The echo example: several clients at once, each gets its own words back; Ctrl-C ends it."""

import subprocess

from support import PATIENCE_S, build_dir, check, finish, serve_example

PROGRAM = build_dir() / "examples" / "echo_server"


def talk():
    words = [[f"{name}{number}" for number in range(50)] for name in ("a", "b", "c")]
    clients = [subprocess.Popen([PROGRAM, "127.0.0.1", *mine], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for mine in words]
    for mine, client in zip(words, clients):
        output, errors = client.communicate(timeout=PATIENCE_S)
        check("a client gets its words back", output.split() == mine, (output, errors))


printed = serve_example(PROGRAM, talk)
check("the server has seen the clients leave", printed.count("client ") == 3, printed)
finish()
