#!/usr/bin/python3
"""The echo example: several clients at once, each gets its own words back; Ctrl-C ends it."""

import signal
import subprocess

from support import PATIENCE_S, build_dir, check, finish


def main():
    program = build_dir() / "examples" / "echo_server"
    server = subprocess.Popen([program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        check("the server listens", "listening on" in server.stdout.readline())
        words = [[f"{name}{number}" for number in range(50)] for name in ("a", "b", "c")]
        clients = [subprocess.Popen([program, "127.0.0.1", *mine], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True) for mine in words]
        for mine, client in zip(words, clients):
            output, errors = client.communicate(timeout=PATIENCE_S)
            check("a client gets its words back", output.split() == mine, (output, errors))
        server.send_signal(signal.SIGINT)
        output, errors = server.communicate(timeout=PATIENCE_S)
        check("Ctrl-C ends the server", server.returncode == 0, errors)
        check("which has seen the clients leave", output.count("client ") == 3, output)
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
    finish()


main()
