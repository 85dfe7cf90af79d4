"""Figures of sockperf: datagrams to and fro between two sockets, without anything on top."""

import re

import ends

BYTES_MIN = 14  # sockperf's own header
BYTES_MAX = 65507  # of a datagram
SECONDS = 1  # the least it takes
OBSERVATIONS_MIN = 1000


def latency(size, sleeping=False):
    """Its sockets are polled like ours, or it sleeps in the kernel until a datagram comes."""
    port = ends.free_port("udp")
    where = ["-i", ends.ADDRESS, "-p", port, *([] if sleeping else ["--nonblocked"])]
    test = ["-t", SECONDS, "-m", max(size, BYTES_MIN)]
    return latency_of(ends.both(["sockperf", "server", *where],
                                ["sockperf", "ping-pong", *where, *test], port, "udp"))


def latency_of(text):
    """Half the round trip in microseconds: the median and the average of all round trips."""
    median = re.search(r"percentile 50\.000 =\s*([0-9.]+)", text)
    average = re.search(r"avg-latency=([0-9.]+)", text)
    count = re.search(r"Total ([0-9]+) observations", text)
    if not median or not average or not count:
        raise ends.Failed(f"sockperf printed no figure: {ends.told(text)}")
    # It goes by time, so where both ends wait for a CPU it still has a figure, but none of sockets.
    if int(count.group(1)) < OBSERVATIONS_MIN:
        raise ends.Failed(f"sockperf made only {count.group(1)} round trips in {SECONDS} s")
    return {"median": float(median.group(1)), "average": float(average.group(1))}
