"""What the integration scripts share: running mapwire, namespaces, and telling the outcome.

A script is called with the build directory. It prints a line PASS, FAIL or SKIP per check and
exits with 0, 1 if any check failed, or 77 if none could run.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

# Nothing here waits so long unless something hangs; sanitizers are ten times slower.
PATIENCE_S = 100

failures = 0
passes = 0


def check(name, condition, detail=""):
    """Tells whether `condition` held; `detail` is for people who see it fail."""
    global failures, passes
    if condition:
        passes += 1
        print(f"PASS: {name}", flush=True)
    else:
        failures += 1
        print(f"FAIL: {name}: {detail}", flush=True)
    return condition


def skip(name, reason):
    print(f"SKIP: {name}: {reason}", flush=True)


def finish():
    if failures:
        sys.exit(1)
    sys.exit(0 if passes else 77)


def build_dir():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} BUILD_DIR")
    return pathlib.Path(sys.argv[1]).resolve()


def source_dir():
    return pathlib.Path(__file__).resolve().parents[2]


def mapwire():
    return str(build_dir() / "tools" / "mapwire")


def free_port():
    """A port of the loopback address that nobody has yet."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def inside(namespace):
    return ["ip", "netns", "exec", namespace] if namespace else []


def run(*arguments, namespace=None, timeout_s=PATIENCE_S, env=None, user=None):
    """Runs mapwire to its end. A hang is a failure like any other, with exit code None."""
    command = [*inside(namespace), mapwire(), *map(str, arguments)]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s,
                              check=False, env={**os.environ, **(env or {})}, user=user)
    except subprocess.TimeoutExpired as hang:
        text = (hang.stderr or b"").decode()
        return subprocess.CompletedProcess(command, None, "", f"hangs after {timeout_s} s: {text}")


def result(completed):
    """The JSON document a client printed, or an empty one."""
    try:
        return json.loads(completed.stdout)
    except json.JSONDecodeError:
        return {}


def code_of(completed):
    """The name of the code in an error line, or what stands there instead."""
    found = re.search(r"\(code (\w+); mapwire explain \1\)", completed.stderr)
    return found.group(1) if found else f"no code in: {completed.stderr!r}"


class Process:
    """A process in the background, whose stderr is collected line by line."""

    def __init__(self, *command, namespace=None, env=None):
        self.lines = []
        self.stdout = ""
        self.changed = threading.Condition()
        self.process = subprocess.Popen([*inside(namespace), *map(str, command)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})
        self.readers = [threading.Thread(target=read, daemon=True)
                        for read in (self._read_stdout, self._read_stderr)]
        for reader in self.readers:
            reader.start()

    def _read_stdout(self):
        with self.process.stdout as stdout:
            self.stdout = stdout.read()

    def _read_stderr(self):
        with self.process.stderr as stderr:
            for line in stderr:
                with self.changed:
                    self.lines.append(line.rstrip("\n"))
                    self.changed.notify_all()

    def wait_for_line(self, pattern, timeout_s=PATIENCE_S):
        """The match of the first stderr line that matches, or None."""
        found = None

        def seen():
            nonlocal found
            found = next(filter(None, (re.search(pattern, line) for line in self.lines)), None)
            return found
        with self.changed:
            self.changed.wait_for(seen, timeout_s)
        return found

    def end(self, timeout_s=PATIENCE_S):
        """Waits for the end; the exit code, or None if it does not come. stdout is in .stdout."""
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        for reader in self.readers:
            reader.join()
        return self.process.returncode

    def signal(self, number):
        self.process.send_signal(number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.end()


def serve_example(program, talk):
    """Runs the server of an example, calls talk(), and ends it by Ctrl-C; what it printed."""
    server = subprocess.Popen([program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        check("the server listens", "listening on" in server.stdout.readline())
        talk()
        server.send_signal(signal.SIGINT)
        output, errors = server.communicate(timeout=PATIENCE_S)
        check("Ctrl-C ends the server", server.returncode == 0, errors)
        return output
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


class Server(Process):
    """`mapwire ping` as a server on a free port."""

    def __init__(self, *arguments, namespace=None, port=0, env=None):
        super().__init__(mapwire(), "ping", "-p", port, *arguments, namespace=namespace, env=env)
        found = self.wait_for_line(r"listening on \S+:(\d+)")
        self.port = int(found.group(1)) if found else 0
        if not found:
            check("a server starts", False, self.lines)

    def interrupt(self):
        """Ctrl-C; the exit code."""
        self.signal(signal.SIGINT)
        return self.end()


def serves(server, *arguments, namespace=None, address="127.0.0.1"):
    """True if a small test against the server succeeds."""
    completed = run("ping", address, "-p", server.port, "-n", 10, "--verify", *arguments,
                    namespace=namespace)
    return completed.returncode == 0
