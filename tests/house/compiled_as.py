"""usage: compiled_as.py BUILD_DIR <SOURCES

The files that the compiler is given in BUILD_DIR for the sources named on stdin, one a line: the
sources themselves, or the batches of CMake's that include them.
"""

import json
import pathlib
import re
import sys


def included(file):
    """What a file of the compiler's is made of: itself, or the sources of a batch."""
    if not re.search(r"/Unity/unity_\d+_cxx\.cxx$", file):
        return {file}
    return set(re.findall(r'^#include "(.+)"$', pathlib.Path(file).read_text(), re.MULTILINE))


def main():
    wanted = set(sys.stdin.read().split("\n"))
    database = pathlib.Path(sys.argv[1], "compile_commands.json")
    compiled = {entry["file"] for entry in json.loads(database.read_text())}
    print("\n".join(sorted(file for file in compiled if included(file) & wanted)))


main()
