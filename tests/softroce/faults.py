#!/usr/bin/python3
"""What a program that wants an RDMA device is told where there is none for it: the code, the
object, the cause and the next step. tests/runtime/verbs/ has the faults that need no device."""

import pathlib
import resource
import shlex
import subprocess
from dataclasses import dataclass

import rxe
from support import check, code_of, finish, run, skip

NODE = next(pathlib.Path("/dev/infiniband").glob("uverbs*"), None)
LOCAL = ("ping", "--local", "--nic", "verbs", "-n", "20")


@dataclass
class Fault:
    name: str
    command: tuple
    code: str
    says: tuple
    spoil: str = "true"
    mend: str = "true"
    user: str = "root"


FAULTS = (
    Fault("an address of no device", ("ping", "127.0.0.1", "--nic", "verbs"), "no_usable_nic",
          ("verbs NIC for 127.0.0.1", "rxe0 port 1 GID 1 10.9.0.1", "is not 127.0.0.1",
           "MAPWIRE_NIC=soft")),
    Fault("no permission on the node", LOCAL, "no_usable_nic",
          ("rxe0: cannot be opened: Permission denied", "`mapwire doctor`"),
          f"chmod 600 {NODE}", f"chmod 666 {NODE}", "nobody"),
    Fault("a link that is down", LOCAL, "no_usable_nic",
          ("rxe0 port 1 GID 1 10.9.0.1", "its port is down", "`mapwire doctor`"),
          "ip link set near down", "ip link set near up"),
    Fault("locked memory exhausted", (*LOCAL, "-s", "4194304"), "limit_reached",
          ("memory region of 4194304 bytes", "may pin 57344", "ulimit -l", "MAPWIRE_PIN_BUDGET"),
          user="nobody"),
    Fault("a guest without rxe", LOCAL, "no_usable_nic", ("no RDMA device", "`mapwire doctor`"),
          "rdma link delete rxe0", "rdma link add rxe0 type rxe netdev near"),
)


def shell(command):
    subprocess.run(shlex.split(command), check=True)


def is_told(fault):
    shell(fault.spoil)
    told = run(*fault.command, user=fault.user)
    check(f"{fault.name}: {fault.code}", (told.returncode, code_of(told)) == (1, fault.code),
          told.stderr)
    check(f"{fault.name}: object, cause and next step",
          all(part in told.stderr for part in fault.says), told.stderr)
    shell(fault.mend)


def main():
    if why := rxe.missing():
        skip("faults", why)
        finish()
    # Of what runs from here on; root may lock what it likes.
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
    for fault in FAULTS:
        is_told(fault)
    finish()


main()
