"""A layer includes only what stands above it; tools and examples only the public headers.

That tools/ and examples/ see no others is the compiler's business: see
cmake/mapwire_include_dirs.cmake. Here they may name no layer's private headers even so.
"""

from tree import LAYERS, files, included

GENERATED = {"control.pb.h"}


def layer_of(path):
    """The layer whose rights a file has: tests have those of what they test, or None: all."""
    parts = path.parts[1:] if path.parts[0] == "tests" else path.parts
    return parts[0] if parts[0] in LAYERS else None


def complaint(path, name):
    """What is wrong with `path` including "name", or None."""
    parts = name.split("/")
    if name in GENERATED or parts[0] == path.parts[0] in ("tests", "tools"):
        return None
    if parts[0] == "tools" and path.parts[:2] == ("tests", "tools"):
        return None
    if len(parts) < 3 or parts[0] != "mapwire" or parts[1] not in LAYERS:
        return f'includes "{name}": write "mapwire/<layer>/<file>.h"'
    own = layer_of(path)
    if own and LAYERS.index(parts[1]) > LAYERS.index(own):
        return f'includes "{name}": {parts[1]} stands below {own}'
    if parts[2] == "detail" and path.parts[0] not in ("tests", parts[1]):
        return f'includes "{name}", which is private to {parts[1]}'
    return None


def findings(root):
    for path in files(root, "*.h", "*.cc"):
        for name in included(root / path):
            wrong = complaint(path, name)
            if wrong:
                yield f"{path}: {wrong}"
