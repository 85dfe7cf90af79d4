"""Who does which job: each is called once per round and returns its figures by name."""

import dataclasses

import growth
import libfabric
import mapwire
import sockperf
import ucx

SIZES = [8, 64, 512, 4096, 65536]
BULK = 65536  # of bandwidth

# The same for all, some tenths of a second each; sockperf goes by time.
ITERATIONS = {8: 20000, 64: 20000, 512: 20000, 4096: 10000, 65536: 2000}
SHM_ITERATIONS = {8: 200000, 64: 200000, 512: 100000, 4096: 50000, 65536: 5000}
WAKE_ITERATIONS = 10000
BULK_ITERATIONS = 10000
SHM_BULK_ITERATIONS = 50000

UCX_LIKE = {"udp": ["tcp"], "shm": ["shm", "default"]}  # what UCX has for the same way


@dataclasses.dataclass(frozen=True)
class Job:
    """What one contestant does."""
    who: str
    what: str = "latency"  # or "bandwidth", "wake-up" or "growth"
    size: int = 8

    def __str__(self):
        return f"{self.what}, {self.size} B, of {self.who}"


def contestants(command, with_shm):
    """Each job with its function. What is compared stands close together, so that it is also
    measured close together: virtual CPUs are now and then moved between cores and hardware threads
    of their host, which changes latencies several times over."""
    jobs = udp_latencies(command)
    if with_shm:
        jobs |= shm_latencies(command)
    jobs |= wake_ups(command, with_shm) | bandwidths(command, with_shm)
    return jobs | growths(command, with_shm)


def udp_latencies(command):
    jobs = {}
    for size in SIZES:
        count = ITERATIONS[size]
        if size <= sockperf.BYTES_MAX:
            jobs[Job("sockperf udp", size=size)] = call(sockperf.latency, size)
        jobs[Job("mapwire udp", size=size)] = call(mapwire.latency, command, "udp", size, count,
                                                   "--baseline")
        jobs[Job("UCX tcp", size=size)] = call(ucx.tag_latency, "tcp", size, count)
        jobs[Job("libfabric tcp", size=size)] = call(libfabric.latency, size, count)
        if size == SIZES[0]:
            jobs[Job("mapwire udp put", size=size)] = put(command, "udp", size, count)
            jobs[Job("UCX tcp again")] = call(ucx.tag_latency, "tcp", size, count)
    return jobs


def shm_latencies(command):
    jobs = {}
    for size in SIZES:
        count = SHM_ITERATIONS[size]
        # Its baseline is a word to and fro, whatever the size.
        more = ["--baseline"] if size == SIZES[0] else []
        jobs[Job("UCX shm", size=size)] = call(ucx.tag_latency, "shm", size, count)
        jobs[Job("mapwire shm", size=size)] = call(mapwire.latency, command, "shm", size, count,
                                                   *more)
        if size == SIZES[0]:
            jobs[Job("UCX put", size=size)] = call(ucx.put_latency, size, count)
            jobs[Job("mapwire put", size=size)] = put(command, "shm", size, count)
        if size == BULK:
            jobs[Job("UCX default", size=size)] = call(ucx.tag_latency, "default", size, count)
    return jobs


def put(command, wire, size, count):
    """Into a window of the peer's, who sees it by looking at the memory."""
    return call(mapwire.latency, command, wire, size, count, "--op", "put", "--baseline")


def wake_ups(command, with_shm):
    """Both ends sleep until the other's message comes. Over shared memory UCX is left out: before
    it sleeps it looks once more, finds the message there, and has not slept."""
    jobs = {Job("sockperf udp", "wake-up"): call(sockperf.latency, 8, True),
            Job("UCX tcp", "wake-up"): call(ucx.tag_latency, "tcp", 8, WAKE_ITERATIONS,
                                            "-E", "sleep")}
    for wire in wires(with_shm):
        jobs[Job(f"mapwire {wire}", "wake-up")] = call(mapwire.latency, command, wire, 8,
                                                       WAKE_ITERATIONS, "--events", spin="0us")
    return jobs


def bandwidths(command, with_shm):
    jobs = {}
    for wire in wires(with_shm):
        count = SHM_BULK_ITERATIONS if wire == "shm" else BULK_ITERATIONS
        jobs[Job(f"mapwire {wire}", "bandwidth", BULK)] = call(mapwire.bandwidth, command, wire,
                                                               BULK, count)
        for peer in UCX_LIKE[wire]:
            jobs[Job(f"UCX {peer}", "bandwidth", BULK)] = call(ucx.tag_bandwidth, peer, BULK, count)
    return jobs


def growths(command, with_shm):
    """Not compared with anybody: each has its own measure in it."""
    return {Job(f"mapwire {wire}", "growth"): call(growth.growth, command, wire)
            for wire in wires(with_shm)}


def wires(with_shm):
    return ("udp", "shm") if with_shm else ("udp",)


def call(function, *arguments, **options):
    return lambda: function(*arguments, **options)
