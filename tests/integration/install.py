#!/usr/bin/python3
"""A program outside the tree finds an installed mapwire, by CMake and by pkg-config, and runs."""

import os
import pathlib
import subprocess
import tempfile

from support import PATIENCE_S, build_dir, check, finish, skip, source_dir

CONSUMER = source_dir() / "tests" / "integration" / "consumer"
EXAMPLES = source_dir() / "examples"


def step(name, *command, env=None):
    """Runs a command that must succeed."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False,
                          env={**os.environ, **(env or {})})
    return check(name, done.returncode == 0, f"{done.stdout}\n{done.stderr}")


def plays(name, program, env):
    """Runs ping_pong's two ends against each other."""
    ends = [subprocess.Popen([str(program), *arguments], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env={**os.environ, **env})
            for arguments in ([], ["127.0.0.1"])]
    outputs = [end.communicate(timeout=PATIENCE_S) for end in ends]
    check(name, all(end.returncode == 0 for end in ends) and "usec each way" in outputs[1][0],
          outputs)


def main():
    cache = (build_dir() / "CMakeCache.txt").read_text()
    if "-fsanitize" in cache:
        skip("install", "a sanitized library asks its users for sanitizers")
        finish()
    with tempfile.TemporaryDirectory() as folder:
        prefix = pathlib.Path(folder, "prefix")
        built = pathlib.Path(folder, "built")
        if not step("install", "cmake", "--install", build_dir(), "--prefix", prefix):
            finish()
        libraries = next(prefix.glob("lib*/**/libmapwire.*")).parent
        env = {"LD_LIBRARY_PATH": str(libraries), "PKG_CONFIG_PATH": str(libraries / "pkgconfig")}
        if step("configure with find_package", "cmake", "-S", CONSUMER, "-B", built,
                f"-DCMAKE_PREFIX_PATH={prefix}", f"-DEXAMPLES={EXAMPLES}") and step(
                    "build with find_package", "cmake", "--build", built):
            plays("a program built with CMake runs", built / "ping_pong", env)
        if step("build with pkg-config", "make", "-f", CONSUMER / "Makefile", "-C", folder,
                f"EXAMPLES={EXAMPLES}", env=env):
            plays("a program built with pkg-config runs", pathlib.Path(folder, "ping_pong"), env)
        version = subprocess.run([prefix / "bin" / "mapwire", "--version"], capture_output=True,
                                 text=True, check=False, env={**os.environ, **env})
        check("the command is installed", version.stdout.startswith("mapwire "), version)
    finish()


main()
