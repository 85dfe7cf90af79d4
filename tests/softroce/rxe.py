"""What the scripts that run inside the guest share; see rxe.sh for the devices."""

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import network  # noqa: E402  it is in that folder
import support  # noqa: E402

DEVICE = "rxe0"
GIDS = pathlib.Path(f"/sys/class/infiniband/{DEVICE}/ports/1/gids")
ADDRESSES = {"IPv4": "10.9.0.1", "IPv6": "fd09::1"}
NEIGHBOUR = {"IPv4": "10.9.0.2", "IPv6": "fd09::2"}


def missing():
    """Why this is not the guest, or None."""
    if os.path.isdir(f"/sys/class/infiniband/{DEVICE}"):
        return None
    return f"no device {DEVICE}; ./run softroce has one"


def gid_index(kind):
    """The index of the GID of an address in ADDRESSES."""
    start = {"IPv4": "0000:0000:0000:0000:0000:ffff:", "IPv6": "fd09:"}[kind]
    return next(int(gid.name) for gid in GIDS.iterdir() if gid.read_text().startswith(start))


def counter(name):
    """One of rxe's counters of packets, such as sent_pkts."""
    return int(pathlib.Path(f"/sys/class/infiniband/{DEVICE}/ports/1/hw_counters/{name}")
               .read_text())


def paths(loss_percent, full_counts):
    """(address family, path MTU) to test; each value once where counts are reduced."""
    if full_counts:
        return [(kind, mtu) for kind in ADDRESSES for mtu in (1024, 4096)]
    return [("IPv6", 4096)] if loss_percent else [("IPv4", 1024)]


def packets():
    """How many packets rxe has sent and received."""
    return counter("sent_pkts"), counter("rcvd_pkts")


def resources():
    """What the kernel holds for the users of rxe."""
    return output("rdma", "resource", "show", DEVICE)[1]


@dataclasses.dataclass
class End:
    """Where one end of a connection of two mapwire endpoints runs."""
    nic: str
    namespace: str | None
    addresses: dict

    @property
    def env(self):
        return {"MAPWIRE_NIC": self.nic}


def near_end():
    return End("verbs", None, ADDRESSES)


def far_end(namespace):
    return End("soft", namespace, NEIGHBOUR)


def stream(end, role, server_end, port, *more):
    """The program of stream.cc at one end, in the background."""
    return support.Process(support.build_dir() / "tests/softroce/stream", role,
                           f"{server_end.addresses['IPv4']}:{port}", *more,
                           namespace=end.namespace, env=end.env)


def wait_for_listener(command, text, timeout_s=60):
    """Waits until a listing, of a server that does not say when it listens, contains a text."""
    until = time.monotonic() + timeout_s
    while text not in output(*command)[1] and time.monotonic() < until:
        time.sleep(0.1)


def wait_for_tcp(port):
    wait_for_listener(["ss", "-Hltn"], f":{port} ")


def output(*command, timeout_s=60):
    """The exit code of a program, None if it hangs, and all it wrote."""
    try:
        ended = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False)
        return ended.returncode, ended.stdout
    except subprocess.TimeoutExpired as hang:
        return None, (hang.stdout or b"").decode()


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True)


@contextlib.contextmanager
def neighbour(loss_percent=0):
    """A namespace with `far`, which is another host with the addresses NEIGHBOUR; its name."""
    # A link that was down meanwhile has lost it.
    ip("address", "replace", f"{ADDRESSES['IPv6']}/64", "dev", "near", "nodad")
    with network.namespaces("far") as (namespace,):
        ip("link", "set", "far", "netns", namespace)
        try:
            ip("-n", namespace, "link", "set", "far", "up")
            ip("-n", namespace, "address", "add", f"{NEIGHBOUR['IPv4']}/24", "dev", "far")
            ip("-n", namespace, "address", "add", f"{NEIGHBOUR['IPv6']}/64", "dev", "far", "nodad")
            for where, device in ((["-n", namespace], "far"), ([], "near")):
                if loss_percent:
                    subprocess.run(["tc", *where, "qdisc", "add", "dev", device, "root", "netem",
                                    "loss", f"{loss_percent}%"], check=True)
            yield namespace
        finally:
            if loss_percent:
                subprocess.run(["tc", "qdisc", "del", "dev", "near", "root"], check=True)
            ip("-n", namespace, "link", "set", "far", "netns", "1")
            ip("link", "set", "far", "up")
