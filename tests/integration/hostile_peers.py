#!/usr/bin/python3
"""Peers that die, write garbage and pass what they like: other connections notice nothing.

MAPWIRE_TEST_HOSTILE says how many (60), MAPWIRE_TEST_SEED which; a failure prints the command that
does the same again.
"""

import os
import pathlib
import random
import re
import signal
import subprocess
import time

from support import PATIENCE_S, Process, build_dir, check, finish

PROGRAMS = build_dir() / "tests" / "integration"
COUNT = int(os.environ.get("MAPWIRE_TEST_HOSTILE", "60"))
SEED = int(os.environ.get("MAPWIRE_TEST_SEED", random.SystemRandom().randrange(2**32)))
AT_ONCE = 3
GROWTH_MIB = 16
SANITIZED_MIB = 2**20  # of address space; what was freed stays resident there


def deeds():
    return subprocess.run([PROGRAMS / "hostile_peer"], capture_output=True, text=True,
                          check=True).stdout.split()


class HostilePeer:
    """One that does its deed to the end, or is killed during it or at any time after its start."""

    def __init__(self, port, deed, chance):
        self.name = f"{deed} {chance.randrange(2**32)}"
        self.end_of_life = chance.choice(["its end", "kill -9", "kill -9 in the deed"])
        self.life_s = chance.uniform(0, 0.06)
        self.process = Process(PROGRAMS / "hostile_peer", port, *self.name.split())

    def end(self):
        """Whether it ended as it had to."""
        if self.end_of_life == "kill -9 in the deed":
            self.process.wait_for_line("at it")
        if self.end_of_life != "its end":
            time.sleep(self.life_s)
            self.process.signal(signal.SIGKILL)
        code = self.process.end()
        return code == 0 or (code == -signal.SIGKILL and self.end_of_life != "its end")


class Survivor(Process):
    def __init__(self):
        super().__init__(PROGRAMS / "survivor")
        self.port = self.wait_for_line(r"listening on \S+:(\d+)").group(1)
        self.proc = pathlib.Path("/proc") / str(self.process.pid)

    def held(self):
        """Its descriptors and its mappings of shared memory."""
        maps = (self.proc / "maps").read_text()
        return len(list((self.proc / "fd").iterdir())), maps.count("mapwire-shm")

    def memory_mib(self, name):
        status = (self.proc / "status").read_text()
        return int(re.search(rf"{name}:\s+(\d+) kB", status).group(1)) / 1024

    def comes_back_to(self, held):
        """What is left of those that have gone goes within a moment."""
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < end:
            if self.held() == held:
                return True
            time.sleep(0.05)
        return False


def companion(survivor):
    process = Process(PROGRAMS / "companion", f"127.0.0.1:{survivor.port}")
    process.wait_for_line("connected")
    return process


def ends_well(name, process):
    process.signal(signal.SIGTERM)
    return check(name, process.end() == 0, process.lines)


def attack(survivor, chance, count):
    """False: something went wrong, and more would not tell more."""
    names = deeds()
    for done in range(0, count, AT_ONCE):
        peers = [HostilePeer(survivor.port, chance.choice(names), chance)
                 for _ in range(min(AT_ONCE, count - done))]
        for peer in peers:
            if not peer.end():
                return check(f"after {done}: {peer.name} ends by {peer.end_of_life}", False,
                             (peer.process.process.returncode, peer.process.lines))
        if survivor.process.poll() is not None:
            return check(f"the survivor lives after {[peer.name for peer in peers]}", False,
                         survivor.lines)
    return True


def survives(chance):
    with Survivor() as survivor, companion(survivor) as friend:
        held = survivor.held()
        # What is made once, at the first of them, is no leak.
        warm_up = COUNT // 5
        if not attack(survivor, chance, warm_up):
            return
        before_mib = survivor.memory_mib("VmRSS")
        if not attack(survivor, chance, COUNT - warm_up):
            return
        check("the connections of another have no error", friend.process.poll() is None,
              (friend.lines, survivor.lines))
        with companion(survivor) as newcomer:
            ends_well("a new peer connects, and leaves in order", newcomer)
        check("descriptors and shared memory are given back", survivor.comes_back_to(held),
              (held, survivor.process.poll() or survivor.held(), survivor.lines))
        if survivor.process.poll() is None and survivor.memory_mib("VmSize") < SANITIZED_MIB:
            growth_mib = survivor.memory_mib("VmRSS") - before_mib
            check("memory does not grow", growth_mib < GROWTH_MIB, f"{growth_mib:.1f} MiB")
            print(f"  {growth_mib:.1f} MiB more")
        ends_well("the friend ends in order", friend)
        print(f"  {friend.stdout.strip()}")
        ends_well("the survivor ends in order", survivor)


def main():
    again = f"MAPWIRE_TEST_SEED={SEED} MAPWIRE_TEST_HOSTILE={COUNT} {__file__} {build_dir()}"
    survives(random.Random(SEED))
    print(f"  {COUNT} hostile peers; the same again: {again}")
    finish()


main()
