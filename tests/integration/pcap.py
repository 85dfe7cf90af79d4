#!/usr/bin/python3
"""tshark reads a capture of a run as RoCEv2, without a malformed packet."""

import pathlib
import shutil
import subprocess
import tempfile

from support import Server, check, finish, run, skip

ROCE_PORT = 4791


def dissect(capture, *arguments):
    return subprocess.run(["tshark", "-r", capture, *arguments],
                          capture_output=True, text=True, check=True).stdout.splitlines()


def ports(capture):
    """The UDP ports in the capture."""
    fields = dissect(capture, "-T", "fields", "-e", "udp.srcport", "-e", "udp.dstport")
    return {int(port) for line in fields for port in line.split()}


def as_roce(capture):
    """Options that make tshark read the capture's ports as RoCEv2; none if it does so by itself."""
    options = []
    if ROCE_PORT in ports(capture):
        return options
    for port in ports(capture):
        options += ["-d", f"udp.port=={port},infiniband"]
    return options


def check_capture(name, capture, least):
    packets = dissect(capture)
    roce = dissect(capture, *as_roce(capture), "-Y", "infiniband.bth")
    malformed = dissect(capture, *as_roce(capture), "-Y", "_ws.malformed")
    check(f"{name}: every packet is RoCEv2", len(packets) >= least and len(roce) == len(packets),
          (len(packets), len(roce)))
    check(f"{name}: none is malformed", not malformed, malformed[:5])


def check_run(folder, name, *arguments, least=40, **how):
    capture = str(pathlib.Path(folder, f"{name}.pcap"))
    completed = run(*arguments, "--pcap", capture, **how)
    if check(f"{name}: the run succeeds", completed.returncode == 0, completed.stderr):
        check_capture(name, capture, least)


def main():
    if not shutil.which("tshark"):
        skip("pcap", "needs tshark")
        finish()
    with tempfile.TemporaryDirectory() as folder:
        for op in ("send_imm", "write", "write_imm", "read", "cas"):
            size = [] if op == "cas" else ["-s", 10000]
            check_run(folder, op, "ping", "--local", "--op", op, *size, "-n", 20)
        # One way only: thousands of credit updates of their own.
        check_run(folder, "stream", "bw", "--local", "-s", 64, "-n", 50000, least=50000)
        with Server() as server:
            check_run(folder, "port 4791", "ping", "127.0.0.1", "-p", server.port, "-n", 20,
                      env={"MAPWIRE_UDP_PORT": str(ROCE_PORT)})
    finish()


main()
