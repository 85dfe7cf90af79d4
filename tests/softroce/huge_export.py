#!/usr/bin/python3
"""An export of 700 GB on rxe: it takes no time and pins nothing, and while a peer writes at random
places in it never more is pinned than the budget.

MAPWIRE_TEST_PUTS is how often it writes. What is written stays in memory, two pages each at most.
"""

import os

import rxe
from support import build_dir, check, finish, skip

PUTS = int(os.environ.get("MAPWIRE_TEST_PUTS", "2000"))
PUTS_PER_S = 50  # at least


def main():
    if why := rxe.missing():
        skip("huge_export", why)
        finish()
    windows = build_dir() / "tests" / "bench" / "windows" / "windows"
    status, text = rxe.output("env", "MAPWIRE_NIC=verbs", "MAPWIRE_PIN_BUDGET=32M", windows, 700,
                              PUTS, rxe.ADDRESSES["IPv4"], timeout_s=60 + PUTS // PUTS_PER_S)
    check("700 GB are exported within the limits of the benchmark", status == 0, text)
    print(text)
    finish()


main()
