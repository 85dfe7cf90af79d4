"""What the scripts that run inside the guest share; see rxe.sh for the devices."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

DEVICE = "rxe0"
GIDS = pathlib.Path(f"/sys/class/infiniband/{DEVICE}/ports/1/gids")
ADDRESSES = {"IPv4": "10.9.0.1", "IPv6": "fd09::1"}


def missing():
    """Why this is not the guest, or None."""
    if os.path.isdir(f"/sys/class/infiniband/{DEVICE}"):
        return None
    return f"no device {DEVICE}; ./run softroce has one"


def gid_index(kind):
    """The index of the GID of an address in ADDRESSES."""
    start = {"IPv4": "0000:0000:0000:0000:0000:ffff:", "IPv6": "fd09:"}[kind]
    return next(int(gid.name) for gid in GIDS.iterdir() if gid.read_text().startswith(start))


def output(*command, timeout_s=60):
    """The exit code of a program, None if it hangs, and all it wrote."""
    try:
        ended = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False)
        return ended.returncode, ended.stdout
    except subprocess.TimeoutExpired as hang:
        return None, (hang.stdout or b"").decode()
