#!/usr/bin/python3
"""The whiteboard example: what one process draws appears on the other's board by itself."""

import subprocess
import threading

from support import PATIENCE_S, build_dir, check, finish, free_port

PROGRAM = build_dir() / "examples" / "whiteboard"


class Board:
    """A process, and what it has printed so far."""

    def __init__(self, *arguments):
        self.text = ""
        self.changed = threading.Condition()
        self.process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        bufsize=1)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.text += line
                self.changed.notify_all()

    def draw(self, line):
        self.process.stdin.write(line + "\n")

    def shows(self, row):
        """Whether a row of it comes to begin so."""
        with self.changed:
            return self.changed.wait_for(lambda: "\n" + row in "\n" + self.text, PATIENCE_S)

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        return status, self.process.stderr.read()


def main():
    ports = free_port(), free_port()
    left = Board(ports[0], f"127.0.0.1:{ports[1]}")
    right = Board(ports[1], f"127.0.0.1:{ports[0]}")
    left.draw("0 3 left\n0 4 also")
    check("what the left draws is on the right's board", right.shows("left....."), right.text)
    check("all of what came at once", right.shows("also....."), right.text)
    right.draw("5 3 right")
    check("and the other way round, beside it", left.shows("left.right"), left.text)
    check("on one's own board as well", right.shows("left.right"), right.text)
    left.draw("60 3 hello")
    left.draw("0 5 last")
    check("the left ends", left.end() == (0, "whiteboard: '60 3 hello': give COLUMN ROW TEXT "
                                             "within 64 by 16\n"))
    status, errors = right.end()
    check("the right is told that its peer has gone, or ends before", status == 0
          or errors.startswith("whiteboard: ") and status == 1, errors)
    check("what was drawn last has come", "\nlast...." in right.text, right.text)
    status, errors = Board().end()
    check("without arguments it says how it is used",
          status == 1 and errors.startswith("whiteboard: usage: whiteboard PORT"), errors)
    finish()


main()
