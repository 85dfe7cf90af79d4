#!/usr/bin/python3
"""tshark reads a capture of a run as RoCEv2, without a malformed packet."""

import pathlib
import shutil
import subprocess
import tempfile

from support import check, finish, run, skip

ROCE_PORT = 4791


def dissect(capture, *arguments):
    return subprocess.run(["tshark", "-r", capture, *arguments],
                          capture_output=True, text=True, check=True).stdout.splitlines()


def ports(capture):
    """The UDP ports in the capture."""
    fields = dissect(capture, "-T", "fields", "-e", "udp.srcport", "-e", "udp.dstport")
    return {int(port) for line in fields for port in line.split()}


def as_roce(capture):
    """Options that make tshark read the capture's ports as RoCEv2."""
    options = []
    for port in ports(capture) - {ROCE_PORT}:
        options += ["-d", f"udp.port=={port},infiniband"]
    return options


def check_capture(name, capture, least):
    packets = dissect(capture)
    roce = dissect(capture, *as_roce(capture), "-Y", "infiniband.bth")
    malformed = dissect(capture, *as_roce(capture), "-Y", "_ws.malformed")
    check(f"{name}: every packet is RoCEv2", len(packets) >= least and len(roce) == len(packets),
          (len(packets), len(roce)))
    check(f"{name}: none is malformed", not malformed, malformed[:5])


def main():
    if not shutil.which("tshark"):
        skip("pcap", "needs tshark")
        finish()
    with tempfile.TemporaryDirectory() as folder:
        for op in ("send_imm", "write", "write_imm", "read", "cas"):
            capture = str(pathlib.Path(folder, f"{op}.pcap"))
            size = [] if op == "cas" else ["-s", 10000]
            completed = run("ping", "--local", "--op", op, *size, "-n", 20, "--pcap", capture)
            if check(f"{op}: the run succeeds", completed.returncode == 0, completed.stderr):
                check_capture(op, capture, 40)
    finish()


main()
