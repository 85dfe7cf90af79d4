#!/usr/bin/python3
"""usage: growth_test.py BUILD_DIR

The program growth with few endpoints: it measures over both wires, and all that lines ask of it.
"""

import pathlib
import sys
import unittest

import growth
import lines
import processors

STEPS = (1, 20)
COMMAND = pathlib.Path(sys.argv[1]) / "tools/mapwire"


class Growth(unittest.TestCase):
    def test_it_has_the_figures_of_the_lines(self):
        for wire in ("udp", "shm"):
            figures = growth.growth(COMMAND, wire, STEPS)
            self.assertTrue(all(value > 0 for name, value in figures.items()
                                if not name.startswith("KiB each")), figures)
            for line in lines.growth_lines(wire, STEPS):
                self.assertIn(line.our_figure, figures)
                self.assertIn(line.their_figure, figures)


if __name__ == "__main__":
    if processors.two() is None:
        print("SKIP: the two ends need two CPUs")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
