"""The counting of results, on what ctest writes."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / ".ci/count_results.py"

PASSED = '<testcase name="good" status="run"/>'
FAILED = '<testcase name="bad" status="fail"><failure/></testcase>'
SCRIPT_SKIPPED = (
    '<testcase name="no_tool" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'
    "<system-out>SKIP: tshark is not installed\n</system-out></testcase>"
)
GTEST_SKIPPED = (
    '<testcase name="no_device" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION"/>'
    "<system-out>x_test.cc:3: Skipped\nno RDMA device\n</system-out></testcase>"
)
NOT_FOUND = (
    '<testcase name="gone" status="notrun"><skipped message="Unable to find executable"/>'
    "</testcase>"
)


def conforms(test, column, status="run"):
    return f'<testcase name="conformance.Nics/{test}/{column}  # GetParam()" status="{status}"/>'


def count(*cases, failed_steps=0, skipped=()):
    """Status and lines of the program for a run with these cases."""
    with tempfile.TemporaryDirectory() as directory:
        text = f"<testsuite>{''.join(cases)}</testsuite>"
        pathlib.Path(directory, "test-dev.xml").write_text(text)
        arguments = [f"--failed-steps={failed_steps}", *(f"--skipped={step}" for step in skipped)]
        run = subprocess.run([sys.executable, PROGRAM, *arguments, directory], capture_output=True,
                             text=True)
    return run.returncode, run.stdout.splitlines()


class CountResults(unittest.TestCase):
    def test_a_skipped_check_is_not_passed_and_is_named_with_its_reason(self):
        self.assertEqual(
            count(PASSED, SCRIPT_SKIPPED, GTEST_SKIPPED),
            (0, ["skipped test-dev no_tool: tshark is not installed",
                 "skipped test-dev no_device: no RDMA device",
                 "1 passed, 0 failed, 2 skipped"]))

    def test_a_failed_test_fails_the_run(self):
        self.assertEqual(count(PASSED, FAILED),
                         (1, ["failed test-dev bad", "1 passed, 1 failed, 0 skipped"]))

    def test_the_end_of_what_a_failed_test_said_stands_below_it(self):
        said = "\n".join(f"line {i}" for i in range(100))
        case = f'<testcase name="bad" status="fail"><system-out>{said}</system-out></testcase>'
        self.assertEqual(count(case, GTEST_SKIPPED)[1][:3] + count(case)[1][-2:],
                         ["skipped test-dev no_device: no RDMA device", "failed test-dev bad",
                          "    line 80", "    line 99", "0 passed, 1 failed, 0 skipped"])

    def test_a_test_that_can_not_be_started_has_failed(self):
        self.assertEqual(count(NOT_FOUND),
                         (1, ["failed test-dev gone", "0 passed, 1 failed, 0 skipped"]))

    def test_a_failed_build_fails_the_run(self):
        self.assertEqual(count(PASSED, failed_steps=1), (1, ["1 passed, 1 failed, 0 skipped"]))

    def test_a_step_that_could_not_run_is_named_and_not_passed(self):
        self.assertEqual(count(PASSED, skipped=["guest: no qemu"]),
                         (0, ["skipped guest: no qemu", "1 passed, 0 failed, 1 skipped"]))

    def test_columns_of_the_conformance_suite_are_named_with_their_counts(self):
        _, lines = count(PASSED, conforms("Queues.fill", "soft_udp"),
                              conforms("Queues.fill", "verbs_rxe"),
                              conforms("Queues.drain", "verbs_rxe", status="fail"))
        self.assertEqual(lines[-3:],
                         ["conformance test-dev soft_udp: 1 passed, 0 failed, 0 skipped",
                          "conformance test-dev verbs_rxe: 1 passed, 1 failed, 0 skipped",
                          "3 passed, 1 failed, 0 skipped"])


if __name__ == "__main__":
    unittest.main()
