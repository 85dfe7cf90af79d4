"""The two CPUs that the two ends of a job run on: those that `mapwire --local` takes by itself."""

import os
import pathlib


def core_of(processor):
    """The CPUs that share a core with this one, as the kernel writes them."""
    file = pathlib.Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    return file.read_text() if file.exists() else ""


def two(allowed=None, core=core_of):
    """(server's, client's), of different cores where there are such; None if there is only one.
    As tools/processors.cc chooses, whose server has the first of them too."""
    allowed = sorted(os.sched_getaffinity(0) if allowed is None else allowed)
    others = [processor for processor in allowed[1:] if core(processor) != core(allowed[0])]
    if len(allowed) < 2:
        return None
    return allowed[0], (others or allowed[1:])[0]
