#!/usr/bin/python3
"""Peers that are killed, stopped or cut off: each end notices within its deadline, with a code."""

import signal
import time

import network
from support import Process, Server, check, finish, mapwire, serves, skip

DEADLINE_S = 2  # the default, which is what users meet
# What the machine may add: scheduling of two polling processes on few CPUs, sanitizers.
SLACK_S = 3
GONE = r"\(code (peer_dead|peer_closed|retry_exceeded|flushed)\b"


def start_client(server, *arguments, namespace=None, address="127.0.0.1"):
    client = Process(mapwire(), "ping", address, "-p", server.port, "-D", "120s", *arguments,
                     namespace=namespace)
    time.sleep(1.5)  # it is in the middle of its run then
    check("the client runs", client.process.poll() is None, client.lines)
    return client


def notices(name, client, since):
    """Checks that the client ends in time with exit code 1 and a code of its own."""
    exit_code = client.end()
    took_s = time.monotonic() - since
    check(f"{name}: the client ends with an error", exit_code == 1, (exit_code, client.lines))
    check(f"{name}: within its deadline", took_s < DEADLINE_S + SLACK_S, f"{took_s:.1f} s")
    told = client.wait_for_line(GONE, 0)
    check(f"{name}: with a code of its own", told and told.group(1) != "flushed", client.lines)
    if told:
        print(f"  {told.group(1)} after {took_s:.2f} s")


def server_is_killed():
    for op in ("send", "write", "read"):
        with Server() as server, start_client(server, "--op", op) as client:
            server.signal(signal.SIGKILL)
            notices(f"kill -9 of the server during {op}", client, time.monotonic())


def client_is_killed():
    with Server() as server:
        with start_client(server) as client:
            client.signal(signal.SIGKILL)
            client.end()
        check("a killed client is told about", server.wait_for_line("client .*failed"),
              server.lines)
        check("and the server serves the next", serves(server), server.lines)


def server_is_stopped():
    with Server() as server:
        with start_client(server) as client:
            server.signal(signal.SIGSTOP)
            notices("SIGSTOP of the server", client, time.monotonic())
        server.signal(signal.SIGCONT)
        check("a server that goes on serves the next", serves(server), server.lines)


def client_is_stopped():
    with Server() as server:
        with start_client(server) as client:
            client.signal(signal.SIGSTOP)
            stopped = time.monotonic()
            told = server.wait_for_line("client .*failed")
            took_s = time.monotonic() - stopped
            check("SIGSTOP of a client: the server gives it up within its deadline",
                  told and took_s < DEADLINE_S + SLACK_S, (took_s, server.lines))
            check("and serves the next meanwhile", serves(server), server.lines)
            client.signal(signal.SIGCONT)
            check("the stopped client then finds out", client.end() == 1, client.lines)


def link_is_cut():
    if why := network.missing():
        skip("link cut", why)
        return
    with network.pair() as (left, right):
        with Server("--bind", "0.0.0.0", namespace=right) as server:
            with start_client(server, namespace=left, address="10.0.0.2") as client:
                network.ip(left, "link", "set", "wire0", "down")
                notices("link cut", client, time.monotonic())
            told = server.wait_for_line("client .*failed")
            check("link cut: the server notices as well", told, server.lines)
            network.ip(left, "link", "set", "wire0", "up")
            check("and serves the next when the link is back",
                  serves(server, namespace=left, address="10.0.0.2"), server.lines)


def main():
    server_is_killed()
    client_is_killed()
    server_is_stopped()
    client_is_stopped()
    link_is_cut()
    finish()


main()
