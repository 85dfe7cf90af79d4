"""Counts the results of ctest runs: the JUnit files in a directory.

The last line is `N passed, N failed, N skipped`; the lines above it name what did not pass, with
the end of what it said if it failed, and the counts of each column of the conformance suite. A
skipped check is never counted as passed, and a test that could not be run has failed. Ends with
status 1 if anything failed, also if steps outside of ctest (builds) did: --failed-steps N. Those
that could not run: --skipped NAME: REASON.
"""

import argparse
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

SAID_LINES = 20


def outcome(case):
    """'passed', 'failed' or 'skipped' for one <testcase>."""
    if case.get("status") == "run":
        return "passed"
    skipped = case.find("skipped")
    # ctest says SKIP_... when the test itself asked for it, and something else (no such program,
    # a fixture that failed) when it could not start it.
    if skipped is not None and skipped.get("message", "").startswith("SKIP_"):
        return "skipped"
    return "failed"


def reason(case):
    """Why a test was skipped: its line that says SKIP, or the one after gtest's `Skipped`."""
    lines = (case.findtext("system-out") or "").splitlines()
    for line, following in zip(lines, lines[1:] + [""]):
        if line.startswith("SKIP"):
            return line.removeprefix("SKIP").strip(" :")
        if line.endswith("Skipped") and following:
            return following.strip()
    return "no reason given"


def said(case):
    """The end of what a test said."""
    lines = (case.findtext("system-out") or "").rstrip().splitlines()
    return [f"    {line}" for line in lines[-SAID_LINES:]]


def column(case):
    """The column of a test of the conformance suite; None for other tests."""
    found = re.match(r"conformance\.\S+/(\w+)(\s|$)", case.get("name", ""))
    return found and found.group(1)


def written(counts):
    return ", ".join(f"{counts[result]} {result}" for result in ("passed", "failed", "skipped"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failed-steps", type=int, default=0)
    parser.add_argument("--skipped", action="append", default=[])
    parser.add_argument("directory", type=pathlib.Path)
    options = parser.parse_args()
    counts = collections.Counter(failed=options.failed_steps, skipped=len(options.skipped))
    columns = collections.defaultdict(collections.Counter)
    failed = []
    for step in options.skipped:
        print(f"skipped {step}")
    for path in sorted(options.directory.glob("*.xml")):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            # The part that a test program plays as another's peer is no check of its own.
            if case.get("status") == "disabled":
                continue
            result = outcome(case)
            counts[result] += 1
            if column(case):
                columns[path.stem, column(case)][result] += 1
            if result == "skipped":
                print(f"skipped {path.stem} {case.get('name')}: {reason(case)}")
            elif result == "failed":
                failed += [f"failed {path.stem} {case.get('name')}", *said(case)]
    for line in failed:  # late, where whoever sees a long log looks
        print(line)
    for (run, name), results in columns.items():
        print(f"conformance {run} {name}: {written(results)}")
    print(written(counts))
    sys.exit(1 if counts["failed"] > 0 else 0)


main()
