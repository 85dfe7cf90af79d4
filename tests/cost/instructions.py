#!/usr/bin/python3
"""instructions.py BUILD_DIR: what posting and polling a small message takes, in instructions.

Fails if a function takes 5 % more or less than its figure in instructions.json, allocates, throws
or logs, or takes more than one lock (two atomic read-modify-writes; none with one thread). Counted
by callgrind, so a busy machine changes nothing; the kernel's part is not in it.
"""

import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS = 1000  # of message_cost
TOLERANCE = 0.05
LOCKED = {"safe": 2, "single": 0}  # per call: take the lock, give it back
FORBIDDEN = re.compile(r"malloc|calloc|realloc|operator new|__cxa_throw|spdlog|fmt::|^free$")


def collect(program, function, wire, threads):
    """Runs it once; the lines of what callgrind counted inside the function."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind"
        subprocess.run(["valgrind", "--tool=callgrind", "--dump-instr=yes", "--collect-atstart=no",
                        f"--toggle-collect={function}", f"--callgrind-out-file={out}",
                        program, threads], check=True, capture_output=True, timeout=250,
                       env={"LD_BIND_NOW": "1", "MAPWIRE_WIRE": wire})
        return out.read_text().splitlines()


class Counts:
    """Executions by object and address, and the names of the functions that ran."""

    def __init__(self, lines):
        self.executed = {}
        self.functions = set()
        names, objects = {}, {}
        obj, address, inclusive = None, 0, False
        for line in lines:
            if match := re.match(r"(c?)(fn|ob)=\((\d+)\)(?: (.*))?$", line):
                called, kind, number, name = match.groups()
                table = names if kind == "fn" else objects
                if name:
                    table[number] = name
                if kind == "fn":
                    self.functions.add(table[number])
                elif not called:
                    obj = table[number]
            elif line.startswith("calls="):
                inclusive = True  # the next line is the cost of the callee
            elif match := re.match(r"(0x[0-9a-f]+|[+-]\d+|\*) \S+ (\d+)$", line):
                position, cost = match.groups()
                if position.startswith("0x"):
                    address = int(position, 16)
                elif position != "*":
                    address += int(position)
                if not inclusive:
                    at = (obj, address)
                    self.executed[at] = self.executed.get(at, 0) + int(cost)
                inclusive = False

    def instructions(self):
        return sum(self.executed.values())

    def locked(self, program):
        """Atomic read-modify-writes of our own: the C library has some around system calls."""
        return sum(self.executed.get((str(program), address), 0)
                   for address in locked_addresses(program))


@functools.cache
def locked_addresses(program):
    """Where the program has an instruction with the lock prefix, or an exchange with memory."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], check=True,
                             capture_output=True, text=True).stdout
    return [int(match.group(1), 16) for match in re.finditer(
        r"^\s*([0-9a-f]+):\s+(?:lock |xchg .*\()", listing, re.MULTILINE)]


def judge(what, counts, locked, expected, locked_max):
    """The lines of what is wrong."""
    took = counts.instructions() / ROUNDS
    print(f"{what}: {took:.0f} instructions ({expected} expected), {locked:.2f} atomic")
    if took > expected * (1 + TOLERANCE):
        yield f"{what} takes {took:.0f} instructions, {expected} were enough"
    if took < expected * (1 - TOLERANCE):
        yield f"{what} takes {took:.0f} instructions instead of {expected}: write that down"
    if locked > locked_max + TOLERANCE:
        yield f"{what} takes {locked:.2f} atomic read-modify-writes, {locked_max} are allowed"


def forbidden_calls(what, counts):
    for function in sorted(filter(FORBIDDEN.search, counts.functions)):
        yield f"{what} calls {function}"


def measure(program, what, expected):
    """The lines of what is wrong with a function over a wire with so many threads."""
    wire, name, threads = what
    counts = Counts(collect(program, "cost_" + name, wire, threads))
    allowed = LOCKED[threads] * (2 if name == "poll" else 1)  # a poll each: receive, send
    text = ", ".join(what)
    if threads == "safe":  # with one thread polls run the control plane now and then
        yield from forbidden_calls(text, counts)
    yield from judge(text, counts, counts.locked(program) / ROUNDS, expected, allowed)


def main():
    if not shutil.which("valgrind"):
        print("SKIP: valgrind is not installed")
        sys.exit(77)
    program = pathlib.Path(sys.argv[1]).resolve() / "tests/cost/message_cost"
    wrong = []
    for wire, functions in json.loads((HERE / "instructions.json").read_text()).items():
        for name, figures in functions.items():
            for threads, expected in figures.items():
                wrong += measure(program, (wire, name, threads), expected)
    for line in wrong:
        print("FAIL:", line)
    sys.exit(1 if wrong else 0)


main()
