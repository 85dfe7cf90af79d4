"""Network namespaces for the integration scripts, gone when the script ends, however it does."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

PREFIX = f"mw{os.getpid()}"
# A script told to end shall still take its namespaces down.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def missing():
    """Why namespaces can not be made here, or None."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    if not shutil.which("ip"):
        return "needs ip (Debian package iproute2)"
    remove_orphans()
    if subprocess.run(["ip", "netns", "add", PREFIX], capture_output=True, check=False).returncode:
        return "the kernel refuses network namespaces"
    subprocess.run(["ip", "netns", "del", PREFIX], check=True)
    return None


def remove_orphans():
    """Removes what scripts left that were killed: namespaces named by a process that is gone."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    for name in re.findall(r"^mw\d+[a-z]*", listed.stdout, re.MULTILINE):
        if not os.path.exists(f"/proc/{re.sub('[a-z]', '', name)}"):
            subprocess.run(["ip", "netns", "del", name], check=False)


def ip(namespace, *arguments):
    subprocess.run(["ip", "-n", namespace, *map(str, arguments)], check=True)


@contextlib.contextmanager
def namespaces(*names):
    """Makes one namespace per name and yields their full names."""
    made = []
    try:
        for name in names:
            full = f"{PREFIX}{name}"
            subprocess.run(["ip", "netns", "add", full], check=True)
            made.append(full)
            # Addresses are usable at once, not after a second of duplicate detection.
            subprocess.run(["ip", "netns", "exec", full, "sh", "-c",
                            "for f in default all; do echo 0 >"
                            "/proc/sys/net/ipv6/conf/$f/accept_dad; done"], check=True)
            ip(full, "link", "set", "lo", "up")
        yield made
    finally:
        for full in made:
            subprocess.run(["ip", "netns", "del", full], check=False)


def join(left, right, name, mtu=1500, right_mtu=None):
    """A veth pair between two namespaces, named `name` on both sides; up, without addresses."""
    ip(left, "link", "add", name, "type", "veth", "peer", "name", name, "netns", right)
    ip(left, "link", "set", name, "mtu", mtu, "up")
    ip(right, "link", "set", name, "mtu", right_mtu or mtu, "up")


def address(namespace, device, *addresses):
    for one in addresses:
        ip(namespace, "addr", "add", one, "dev", device)


def link_local(namespace, device):
    """The fe80:: address of the device."""
    out = subprocess.run(["ip", "-n", namespace, "-o", "-6", "addr", "show", "dev", device, "scope",
                          "link"], capture_output=True, text=True, check=True).stdout
    return out.split("inet6 ")[1].split("/")[0]


def nft(namespace, rules):
    """Loads packet filter rules. False: there is no nft or the kernel does not know them."""
    if not shutil.which("nft"):
        return False
    return subprocess.run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], input=rules,
                          text=True, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def pair(mtu=1500):
    """Two joined namespaces with 10.0.0.1, fd00::1 and 10.0.0.2, fd00::2."""
    with namespaces("a", "b") as (left, right):
        join(left, right, "wire0", mtu)
        address(left, "wire0", "10.0.0.1/24", "fd00::1/64")
        address(right, "wire0", "10.0.0.2/24", "fd00::2/64")
        yield left, right


def run_in(namespace, *command):
    subprocess.run(["ip", "netns", "exec", namespace, *command], check=True)
