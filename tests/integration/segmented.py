#!/usr/bin/python3
"""Where the kernel cuts a run of packets, each one is whole: its ICRC is that of what travels."""

import collections
import ctypes
import os
import socket
import struct
import zlib

import network
from support import Server, check, finish, run, skip

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
CLONE_NEWNET = 0x40000000
DF = 0x4000
UDP = 17


def capture_in(namespace, device):
    """A socket that sees all frames of the device, with room for those of a run."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net", "rb") as own, open(f"/run/netns/{namespace}", "rb") as other:
        if libc.setns(other.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        frames = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        frames.bind((device, ETH_P_ALL))
        libc.setns(own.fileno(), CLONE_NEWNET)
    frames.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
    frames.setblocking(False)
    return frames


def masked(packet, ip_bytes):
    """What the ICRC covers: IBTA 7.8.1, with ones where routers may change a packet."""
    covered = bytearray(packet[:-4])
    ones = {4: (1, 8, 10, 11), 6: (1, 2, 3, 7)}[covered[0] >> 4]
    if covered[0] >> 4 == 6:
        covered[0] |= 0x0f
    for index in (*ones, ip_bytes + 6, ip_bytes + 7, ip_bytes + 12):
        covered[index] = 0xff
    return b"\xff" * 8 + covered


def tally(frames):
    """Counts the UDP packets captured; those with an identification of the way out alone."""
    counts = collections.Counter()
    while True:
        try:
            packet, address = frames.recvfrom(1 << 16)
        except BlockingIOError:
            return counts
        v4 = packet[0] >> 4 == 4
        if (packet[9] if v4 else packet[6]) != UDP:
            continue
        ip_bytes = 20 if v4 else 40
        packet = packet[:ip_bytes + struct.unpack_from("!H", packet, ip_bytes + 4)[0]]
        counts["packets"] += 1
        if v4:
            identification, fragment = struct.unpack_from("!HH", packet, 4)
            counts["counted"] += identification > 0 and address[2] == PACKET_OUTGOING
            counts["without DF"] += fragment != DF
        icrc = struct.unpack("<I", packet[-4:])[0]
        counts["of a wrong ICRC"] += zlib.crc32(masked(packet, ip_bytes)) != icrc


def check_run(name, left, host, port, counted, **how):
    frames = capture_in(left, "wire0")
    completed = run("bw", host, "-p", port, "-n", 200, namespace=left, **how)
    counts = tally(frames)
    check(f"{name}: the run succeeds", completed.returncode == 0, completed.stderr)
    check(f"{name}: all packets are seen", counts["packets"] > 200 * 64, counts)
    check(f"{name}: all have DF and the right ICRC",
          counts["of a wrong ICRC"] + counts["without DF"] == 0, counts)
    check(f"{name}: identifications are {'counted' if counted else '0'}",
          (counts["counted"] > 0) == counted, counts)


def main():
    if why := network.missing():
        skip("segmented", why)
        finish()
    with network.pair() as (left, right), Server("--bind", "[::]", namespace=right) as server:
        for namespace in (left, right):
            # No device takes more than one packet at once now: the kernel cuts in front of it.
            network.ip(namespace, "link", "set", "wire0", "gso_max_segs", 1)
        check_run("IPv4", left, "10.0.0.2", server.port, counted=True)
        check_run("IPv6", left, "fd00::2", server.port, counted=False)
        check_run("IPv4, single", left, "10.0.0.2", server.port, counted=False,
                  env={"MAPWIRE_UDP_PACKETS": "single"})
    finish()


main()
