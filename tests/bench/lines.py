"""The lines of the table: who is compared with whom, by which figure, and with which limit."""

import dataclasses

import growth
import sockperf
from contestants import BULK, SIZES, UCX_LIKE, Job, wires

# Most of the peer's latency, and least of its bandwidth, that mapwire may have.
UDP_LIMIT = 0.7  # of what tcp takes for 8 B
SHM_LIMIT = 0.75  # of UCX's shared memory for 8 B
SHM_BULK_LIMIT = 1.0
# Of what a put takes beside the baseline.
UDP_PUT_LIMIT = 1.2
SHM_PUT_LIMIT = 1.15
UCX_PUT_LIMIT = 1.0
# Of the baselines: a slow one would flatter mapwire where it is measured against it.
UDP_BASELINE_LIMIT = 1.1
SHM_BASELINE_LIMIT = 1.0

# Of what a poll, and a message, takes beside a context with one endpoint.
GROWTH_LIMIT = 1.5
MEMORY_LIMIT = 1.0
DESCRIPTORS_LIMIT = 2.0  # of a process with one endpoint: a few more for thousands

UNITS = {"latency": "us", "wake-up": "us", "bandwidth": "MiB/s", "growth": "ns or KiB"}


@dataclasses.dataclass(frozen=True)
class Line:
    """Two jobs, each with the name of the figure that is taken."""
    ours: Job
    theirs: Job
    limit: float | None = None
    our_figure: str = "median"
    their_figure: str = "median"
    noise: bool = False  # the same measured twice: what a ratio means here

    @property
    def group(self):
        return f"{self.ours.what}, {UNITS[self.ours.what]}"

    @property
    def title(self):
        if self.ours.what == "growth":
            return f"{self.ours.who}: {self.our_figure} / {short(self.their_figure)}"
        names = [named(self.ours, self.our_figure), named(self.theirs, self.their_figure)]
        return f"{self.ours.size} B: {' / '.join(names)}"

    @property
    def large_is_good(self):
        return self.ours.what == "bandwidth"


def named(job, figure):
    """A contestant as a line names it. The figure is told unless it is the usual one."""
    if figure == "baseline":
        return f"{job.who} baseline"
    return f"{job.who} average" if figure == "average" else job.who


def short(figure):
    """What a line of growth says of its second figure, as the first one says the rest."""
    return "beside it, 1" if figure.startswith("beside ") else figure.split(", ")[-1]


def lines(with_shm):
    found = udp_lines() + baseline_lines()
    if with_shm:
        found += shm_lines()
    found += wake_lines(with_shm) + bandwidth_lines(with_shm)
    for wire in wires(with_shm):
        found += growth_lines(wire)
    return found


def udp_lines():
    found = []
    for size in SIZES:
        ours, limit = Job("mapwire udp", size=size), UDP_LIMIT if size == 8 else None
        found.append(Line(ours, Job("UCX tcp", size=size), limit))
        # fi_pingpong tells no median.
        found.append(Line(ours, Job("libfabric tcp", size=size), limit, "average", "average"))
    put = Job("mapwire udp put")
    found.append(Line(put, put, UDP_PUT_LIMIT, their_figure="baseline"))
    found.append(Line(Job("UCX tcp again"), Job("UCX tcp"), noise=True))
    return found


def baseline_lines():
    """That of udp, where a message is a datagram. The least of sockperf is 14 B."""
    found = []
    for size in SIZES:
        if size <= sockperf.BYTES_MAX:
            ours, peer = Job("mapwire udp", size=size), Job("sockperf udp", size=size)
            found.append(Line(ours, ours, our_figure="median", their_figure="baseline"))
            found.append(Line(ours, peer, UDP_BASELINE_LIMIT, our_figure="baseline"))
    return found


def shm_lines():
    limits = {SIZES[0]: SHM_LIMIT, BULK: SHM_BULK_LIMIT}
    found = [Line(Job("mapwire shm", size=size), Job("UCX shm", size=size), limits.get(size))
             for size in SIZES]
    found.append(Line(Job("mapwire shm", size=BULK), Job("UCX default", size=BULK)))
    ours = Job("mapwire shm")
    found.append(Line(ours, ours, our_figure="median", their_figure="baseline"))
    found.append(Line(ours, Job("UCX put"), SHM_BASELINE_LIMIT, our_figure="baseline"))
    put = Job("mapwire put")
    found.append(Line(put, put, SHM_PUT_LIMIT, their_figure="baseline"))
    return [*found, Line(put, Job("UCX put"), UCX_PUT_LIMIT)]


def wake_lines(with_shm):
    return [Line(Job(f"mapwire {wire}", "wake-up"), Job(peer, "wake-up"))
            for wire in wires(with_shm) for peer in ("sockperf udp", "UCX tcp")]


def bandwidth_lines(with_shm):
    limits = {"shm": SHM_BULK_LIMIT}  # by peer
    return [Line(Job(f"mapwire {wire}", "bandwidth", BULK), Job(f"UCX {peer}", "bandwidth", BULK),
                 limits.get(peer), "bandwidth", "bandwidth")
            for wire in wires(with_shm) for peer in UCX_LIKE[wire]]


def growth_lines(wire, steps=growth.STEPS):
    job, most = Job(f"mapwire {wire}", "growth"), steps[-1]
    found = [Line(job, job, GROWTH_LIMIT if count == most else None, f"ns a {what}, {count}",
                  f"beside {count}, ns a {what}")
             for what in ("poll", "latency") for count in steps[1:]]
    for end in growth.ENDS:
        # Within a host connections are on shm, unless somebody says otherwise.
        found.append(Line(job, job, MEMORY_LIMIT if wire == "shm" else None,
                          f"KiB each at the {end}, {most}", "KiB, allowed"))
        descriptors = f"descriptors of the {end}"
        found.append(Line(job, job, DESCRIPTORS_LIMIT, f"{descriptors}, {most}",
                          f"{descriptors}, 1"))
    return found + [Line(job, job, None, f"ns a message, {sends}", "ns a message, 1")
                    for sends in growth.SENDS[1:]]
