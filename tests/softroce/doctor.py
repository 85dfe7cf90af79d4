#!/usr/bin/python3
"""mapwire doctor and info where RDMA is broken: each fault is found, and the command that doctor
advises mends it."""

import pathlib
import re
import shlex
import subprocess
from dataclasses import dataclass, field

import rxe
from support import check, finish, mapwire, result, run, skip

NODE = next(pathlib.Path("/dev/infiniband").glob("uverbs*"), None)


@dataclass
class Fault:
    """What spoils the machine, what doctor finds, and what it leaves to the reader."""
    name: str
    spoil: str
    check: str
    verdict: str
    text: str
    info: str  # what `mapwire info` says, too
    fill_in: dict = field(default_factory=dict)  # for what stands in capitals, or is an example
    user: str = "root"


FAULTS = (
    Fault("a link that is down", "ip link set near down", "port_state", "wrong",
          "rxe0/1 is DOWN", "state:              down"),
    Fault("packets that are small", "ip link set near mtu 1500", "mtu", "note",
          "the MTU of near is 1500", "active_mtu:         1024"),
    Fault("no routable GID", "ip address flush dev near", "gid", "wrong",
          "rxe0/1 has no routable RoCEv2 GID", "verbs/rxe0",
          fill_in={"ADDRESS/LENGTH": "10.9.0.1/24"}),
    Fault("no device", "rdma link delete rxe0", "device", "note",
          "no RDMA device in this network namespace", "RDMA devices:               no RDMA device",
          fill_in={"eth0": "near"}),
    Fault("no permission on the node", f"chmod 600 {NODE}", "permission", "wrong",
          f"{NODE} (rxe0): Permission denied", "cannot be opened: Permission denied",
          user="nobody"),
)


def shell(command):
    return subprocess.run(shlex.split(command), check=False).returncode == 0


def finding(fault):
    findings = result(run("doctor", "--json", user=fault.user)).get("findings", [])
    return next((each for each in findings if each["check"] == fault.check), {})


def mending(command, fault):
    """The first command in an advice, with the reader's part filled in."""
    found = re.search(r"`([^`]+)`", command)
    text = found.group(1) if found else "false"
    for word, value in fault.fill_in.items():
        text = text.replace(word, value)
    return text


def goes_through(fault):
    check(f"{fault.name}: can be made", shell(fault.spoil))
    spoiled = finding(fault)
    check(f"{fault.name}: is found",
          spoiled.get("verdict") == fault.verdict and fault.text in spoiled["text"], spoiled)
    said = run("info", user=fault.user)
    check(f"{fault.name}: info says so", fault.info in said.stdout, (said.stdout, said.stderr))
    command = mending(spoiled.get("command", ""), fault)
    check(f"{fault.name}: `{command}` runs", shell(command))
    mended = finding(fault)
    check(f"{fault.name}: and mends it", mended.get("verdict") == "ok", mended)


def main():
    if why := rxe.missing():
        skip("doctor", why)
        finish()
    for fault in FAULTS:
        goes_through(fault)
    port = finding(Fault("", "", "port_4791", "", "", ""))
    check("rdma_rxe owns port 4791", port.get("verdict") == "note"
          and "Address already in use" in port["text"], port)
    low = subprocess.run(["prlimit", "--memlock=65536", "setpriv", "--bounding-set", "-ipc_lock",
                          "--inh-caps", "-ipc_lock", mapwire(), "doctor", "--json"],
                         capture_output=True, text=True, check=False)
    check("little memory that may be pinned is found",
          "64 KiB may be pinned" in low.stdout, (low.stdout, low.stderr))
    finish()


main()
