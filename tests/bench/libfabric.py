"""Figures of libfabric's fi_pingpong, over its tcp provider."""

import ends

COLUMNS = ["bytes", "#sent", "#ack", "total", "time", "MB/sec", "usec/xfer", "Mxfers/sec"]


def latency(size, iterations):
    port = ends.free_port()
    test = ["fi_pingpong", "-p", "tcp", "-e", "msg", "-I", iterations, "-S", size]
    return latency_of(ends.both([*test, "-B", port], [*test, "-P", port, ends.ADDRESS], port))


def latency_of(text):
    """The average in microseconds, as there is no other; one of two transfers to and fro, which is
    half the round trip."""
    lines = [line.split() for line in text.splitlines()]
    if COLUMNS in lines:
        for words in lines[lines.index(COLUMNS) + 1:]:
            if len(words) == len(COLUMNS):
                return {"average": float(words[COLUMNS.index("usec/xfer")])}
    raise ends.Failed(f"fi_pingpong printed no figure: {ends.told(text)}")
