"""usage: check.py CHECK...: runs checks of this folder over the tree; fails on any finding."""

import importlib
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

found = [line for name in sys.argv[1:] for line in importlib.import_module(name).findings(ROOT)]
print("\n".join(found))
sys.exit(1 if found else 0)
