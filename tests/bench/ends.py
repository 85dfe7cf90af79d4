"""Runs measuring programs: one that has both ends in it, or a server and its client.

Every program has a time limit, and none outlives the call that started it.
"""

import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import time

import processors

ADDRESS = "127.0.0.1"
PATIENCE_S = 30  # no job takes so long unless something hangs, or it says so
LISTEN_S = 20
SETTLE_S = 5  # for a server to end after its client
TCP_LISTENS, UDP_BOUND = "0A", "07"  # as /proc/net/ writes the state of a socket


class Failed(Exception):
    """A program gave no figure; the text says why."""


def told(text, most=200):
    """The end of what a program wrote, in one line for the table."""
    return " ".join(text.split())[-most:] or "it wrote nothing"


def alone(command, environment=None, patience_s=None):
    """Runs a program to its end; what it wrote to stdout."""
    words = list(map(str, command))
    patience_s = patience_s or PATIENCE_S
    try:
        ended = subprocess.run(words, capture_output=True, text=True, timeout=patience_s,
                               stdin=subprocess.DEVNULL, check=False,
                               env={**os.environ, **(environment or {})})
    except subprocess.TimeoutExpired:
        raise Failed(f"{name(words)} hangs, after {patience_s} s") from None
    except OSError as error:
        raise Failed(f"{name(words)}: {error.strerror}") from None
    if ended.returncode != 0:
        raise Failed(f"{name(words)} ended with status {ended.returncode}: "
                     f"{told(ended.stderr or ended.stdout)}")
    return ended.stdout


def both(server, client, port, protocol="tcp", environment=None, patience_s=None):
    """Runs the server on one CPU and the client on another; what the client wrote."""
    first, second = processors.two()
    with listening(pinned(server, first), port, protocol, environment):
        return alone(pinned(client, second), environment, patience_s)


def free_port(protocol="tcp"):
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


def pinned(command, processor):
    return ["taskset", "-c", str(processor), *map(str, command)]


def name(words):
    """Of the program; `taskset -c N` in front of it is ours."""
    return pathlib.Path(words[3] if words[0] == "taskset" else words[0]).name


@contextlib.contextmanager
def listening(command, port, protocol, environment):
    """The server while the client runs."""
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL,
                                  env={**os.environ, **(environment or {})})
        try:
            wait_until_bound(server, name(command), port, protocol, log)
            yield
            with contextlib.suppress(subprocess.TimeoutExpired):
                # Those that serve one client end by themselves. The others are ended.
                server.wait(SETTLE_S if protocol == "tcp" else 0)
        finally:
            server.kill()
            server.wait()


def wait_until_bound(server, program, port, protocol, log):
    """By what the kernel lists: a connection to look would be the one that the server waits for."""
    until = time.monotonic() + LISTEN_S
    while not bound(port, protocol):
        ended = server.poll() is not None
        if ended or time.monotonic() > until:
            log.seek(0)
            why = f"status {server.returncode}" if ended else f"not listening after {LISTEN_S} s"
            raise Failed(f"the server of {program}: {why}: {told(log.read())}")
        time.sleep(0.02)


def bound(port, protocol):
    state = TCP_LISTENS if protocol == "tcp" else UDP_BOUND
    for table in (f"/proc/net/{protocol}", f"/proc/net/{protocol}6"):
        with contextlib.suppress(FileNotFoundError):  # without IPv6
            for line in pathlib.Path(table).read_text().splitlines()[1:]:
                words = line.split()
                if words[1].endswith(f":{port:04X}") and words[3] == state:
                    return True
    return False
