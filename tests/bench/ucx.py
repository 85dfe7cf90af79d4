"""Figures of UCX's ucx_perftest."""

import ends

# What each name stands for. Left to itself within a host UCX has the kernel copy long messages from
# one process to the other, which is `default`; `shm` is through shared memory at every size.
TRANSPORTS = {
    "shm": {"UCX_TLS": "posix,self"},
    "default": {"UCX_TLS": "shm,self"},
    "tcp": {"UCX_TLS": "tcp,self", "UCX_NET_DEVICES": "lo"},
}
WARM_UP = 1000
COLUMNS = 8  # of the CSV line below


def tag_latency(transport, size, iterations, *more):
    return latency_of(run(["-t", "tag_lat", *more], size, iterations, TRANSPORTS[transport]))


def put_latency(size, iterations):
    """A store into the peer's memory and the peer's look at it: the least that UCX has. It is a
    test of the layer below, which is given its transport and device by options."""
    return latency_of(run(["-t", "put_lat", "-x", "posix", "-d", "memory", "-D", "short"],
                          size, iterations, {}))


def tag_bandwidth(transport, size, iterations):
    return bandwidth_of(run(["-t", "tag_bw"], size, iterations, TRANSPORTS[transport]))


def run(test, size, iterations, environment):
    port = ends.free_port()
    server = ["ucx_perftest", "-p", port]  # the client tells it which test
    # -f -v: the final figures only, as comma-separated values.
    client = [*server, ends.ADDRESS, *test, "-s", size, "-n", iterations, "-w", WARM_UP, "-f", "-v"]
    return ends.both(server, client, port, environment=environment)


def latency_of(text):
    """Half the round trip in microseconds: the median, which is of the latest round trips only,
    and the average of them all."""
    values = values_of(text)
    return {"median": values[1], "average": values[3]}


def bandwidth_of(text):
    """What ucx_perftest calls MB/s are MiB/s; over the whole run."""
    return {"bandwidth": values_of(text)[5]}


def values_of(text):
    """iterations; median, average, overall latency; average, overall bandwidth; average, overall
    message rate."""
    for line in reversed(text.splitlines()):
        words = line.split(",")
        if len(words) == COLUMNS:
            try:
                return list(map(float, words))
            except ValueError:
                continue  # the heading
    raise ends.Failed(f"ucx_perftest printed no figure: {ends.told(text)}")
