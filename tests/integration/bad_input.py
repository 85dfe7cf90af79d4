#!/usr/bin/python3
"""Wrong arguments, hosts, ports and peers: a clear line and an exit code, never a hang or crash."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from support import (PATIENCE_S, Process, Server, check, code_of, finish, mapwire, result, run,
                     serves)


def wrong_arguments():
    for arguments in ([], ["pong"], ["ping", "-s", "0"], ["ping", "--nope"],
                      ["ping", "h", "-m", "9"], ["ping", "h", "--op", "sned"],
                      ["ping", "h", "h2"], ["ping", "-n", "many"],
                      ["ping", "rdma://h"], ["bw", "--bind", "rdma://h"],
                      ["ping", "--local", "--faults", "loss=2"], ["bw", "h", "--op", "cas"],
                      ["explain", "nothing"], ["explain", "99999"]):
        completed = run(*arguments)
        lines = completed.stderr.splitlines()
        expected = 1 if "--faults" in arguments else 2  # the library reads these
        check(f"mapwire {' '.join(arguments)}", completed.returncode == expected
              and len(lines) >= 1 and lines[0].startswith("mapwire") and not completed.stdout,
              (completed.returncode, completed.stderr))
    unknown = run("pong", "-s", "0")
    check("an unknown command is named", "unknown command 'pong'" in unknown.stderr, unknown.stderr)
    wrong = run("ping", "--local", env={"MAPWIRE_DEADLINE": "soon"})
    check("a wrong environment", wrong.returncode == 2 and "MAPWIRE_DEADLINE" in wrong.stderr,
          wrong.stderr)
    check("explain all", run("explain").stdout.count("\n") > 20)
    check("explain one", "Next step" in run("explain", "mtu_black_hole").stdout)
    check("options", "MAPWIRE_DEADLINE" in run("options").stdout)
    check("version", run("--version").stdout.startswith("mapwire "))
    check("help", run("ping", "--help").returncode == 0)


def unreachable():
    unknown = run("ping", "no-such-host.invalid", "--timeout", "5s")
    check("an unknown host", (unknown.returncode, code_of(unknown)) == (1, "unknown_host"),
          unknown.stderr)
    unknown = run("info", "no-such-host.invalid")
    check("info of an unknown host", (unknown.returncode, code_of(unknown)) == (1, "unknown_host")
          and not unknown.stdout, unknown.stderr)
    with Server() as server:
        second = run("ping", "-p", server.port, timeout_s=PATIENCE_S)
        check("a port in use", (second.returncode, code_of(second)) == (1, "address_in_use"),
              second.stderr)
    file = run("ping", "--local", "-n", 5, "--out-json", "/nonexistent/file")
    check("a file that can not be written", (file.returncode, code_of(file)) == (1, "bad_file"),
          file.stderr)
    pcap = run("ping", "--local", "-n", 5, "--pcap", "/nonexistent/file")
    check("a capture that can not be written", pcap.returncode == 1, pcap.stderr)


def field(number, value):
    """A protobuf field: a varint, or bytes."""
    def varint(left):
        out = b""
        while left > 127:
            out += bytes([left % 128 + 128])
            left //= 128
        return out + bytes([left])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def frame(message):
    return struct.pack(">I", len(message)) + message


def hello(magic, version):
    return frame(field(1, field(1, magic) + field(2, version) + field(3, b"9.9.9")))


STRANGERS = {
    "speaks HTTP": (b"HTTP/1.1 400 Bad Request\r\n\r\n", {"protocol_error"}),
    "speaks garbage": (bytes(range(256)) * 8, {"protocol_error"}),
    "sends an endless message": (b"\x00\x00\xff\xff", {"connect_timeout", "protocol_error"}),
    "is of another version": (hello(0x4D415057, 999), {"version_mismatch"}),
    "has another magic number": (hello(1, 1), {"protocol_error"}),
    "says nothing": (b"", {"connect_timeout"}),
}


@contextlib.contextmanager
def listener(says, hang_up=False):
    """A TCP server that says something to everybody; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.sendall(says)
                    if hang_up:
                        connection.close()
                    held.append(connection)
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


def strange_servers():
    for name, (says, codes) in STRANGERS.items():
        with listener(says) as port:
            completed = run("ping", "127.0.0.1", "-p", port, "--timeout", "3s")
            check(f"a server that {name}",
                  completed.returncode == 1 and code_of(completed) in codes, completed.stderr)
    with listener(b"", hang_up=True) as port:
        completed = run("ping", "127.0.0.1", "-p", port, "--timeout", "2s")
        check("a server that hangs up", completed.returncode == 1
              and not code_of(completed).startswith("no code"), completed.stderr)


def strange_clients():
    with Server() as server:
        held = []
        for says in [says for says, _ in STRANGERS.values()] + [b"GET / HTTP/1.1\r\n\r\n"]:
            stranger = socket.create_connection(("127.0.0.1", server.port))
            with contextlib.suppress(OSError):
                stranger.sendall(says)
            held.append(stranger)
        check("strangers at the port do not keep clients out", serves(server), server.lines)
        for stranger in held:
            stranger.close()
        check("nor when they leave", serves(server), server.lines)


def interrupted():
    with Server() as server:
        with Process(mapwire(), "ping", "127.0.0.1", "-p", server.port, "-D", "60s") as client:
            time.sleep(1.5)
            client.signal(signal.SIGINT)
            check("Ctrl-C ends a client with 130", client.end() == 130, client.lines)
            rows = [line for line in client.stdout.splitlines() if line.split()[:1] == ["2"]]
            check("which prints what it had", len(rows) == 1, client.stdout)
        check("and the server goes on", serves(server), server.lines)
    with Process(mapwire(), "ping", "127.0.0.1", "-p", 1, "--timeout", "60s") as waiting:
        time.sleep(0.5)
        waiting.signal(signal.SIGINT)
        check("Ctrl-C ends a client that waits", waiting.end(10) is not None, waiting.lines)


def stdout_is_closed():
    reader, writer = os.pipe()
    os.close(reader)
    completed = subprocess.run([mapwire(), "ping", "--local", "-a", "-n", "10"], stdout=writer,
                               stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False)
    os.close(writer)
    check("a closed stdout ends the run", completed.returncode == 130, (completed.returncode,
                                                                       completed.stderr))


def refused_test():
    with Server("-r", "4") as server:
        completed = run("ping", "127.0.0.1", "-p", server.port, "-n", 5, "--json")
        check("a server with few receives serves", result(completed), completed.stderr)


def main():
    wrong_arguments()
    unreachable()
    strange_servers()
    strange_clients()
    interrupted()
    stdout_is_closed()
    refused_test()
    finish()


main()
