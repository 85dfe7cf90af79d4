"""The list of public headers exists, is sorted, and holds all that its headers include."""

import re

from tree import included

LIST = "cmake/mapwire_public_headers.cmake"


def findings(root):
    headers = re.findall(r"^\s+(\S+\.h)$", (root / LIST).read_text(), re.MULTILINE)
    if not headers:
        yield f"{LIST}: no headers found"
    if headers != sorted(set(headers)):
        yield f"{LIST}: not sorted, or a header twice"
    for header in headers:
        if not (root / header).is_file():
            yield f"{LIST}: {header} does not exist"
            continue
        for name in included(root / header):
            if name.removeprefix("mapwire/") not in headers:
                yield f'{header}: is public and includes "{name}", which is not'
