"""The source tree as the checks beside this file see it."""

import os
import pathlib
import re

# A layer includes only what stands above it in this list.
LAYERS = ["proto", "runtime", "tlb", "nic_fw", "endpoints", "storage"]

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def files(root, *patterns):
    """All files under `root` that match a pattern, relative to it, without what is built."""
    found = []
    for directory, subdirectories, names in os.walk(root):
        subdirectories[:] = sorted(
            name for name in subdirectories if name not in ("build", ".git", "__pycache__")
        )
        for name in sorted(names):
            path = pathlib.Path(directory, name).relative_to(root)
            if any(path.match(pattern) for pattern in patterns):
                found.append(path)
    return found


def included(path):
    """The files that a source file includes with quotes."""
    return _INCLUDE.findall(path.read_text())
