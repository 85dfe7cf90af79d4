"""./run, with programs of the system replaced: nothing is installed or built here."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Run(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name, "clone of mapwire")
        (self.root / "bin").mkdir(parents=True)
        (self.root / "tests").mkdir()
        for name in ("run", "tests/checks.sh"):
            shutil.copy(SOURCE / name, self.root / name)
        # What is not replaced by a test must not reach the system.
        for name in ("apt-get", "cmake", "dpkg-query"):
            self.replace(name, "exit 0")
        self.replace("sudo", 'exec "$@"')

    def replace(self, name, script):
        program = self.root / "bin" / name
        program.write_text(f"#!/bin/bash\n{script}\n")
        program.chmod(0o755)

    def run_it(self, *arguments, directory="/"):
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        return subprocess.run([self.root / "run", *arguments], cwd=directory, text=True,
                              capture_output=True, env={**os.environ, "PATH": path})

    def test_an_unknown_command_is_named_and_is_a_usage_error(self):
        run = self.run_it("pingping")
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertIn("unknown command 'pingping'", run.stderr)

    def test_no_command_and_superfluous_arguments_are_usage_errors(self):
        for arguments in ((), ("tests", "all"), ("fuzz", "soon"), ("fuzz", "0"),
                          ("tests", "--require-softroce", "x"), ("softroce", "ls"),
                          ("softroce", "--"), ("softroce", "--kernel"),
                          ("softroce", "--kernel", "5.4", "--", "ls"), ("bench", "soon"),
                          ("bench", "4"), ("bench", "05")):
            self.assertEqual(self.run_it(*arguments).returncode, 2, arguments)

    def test_help_goes_to_stdout(self):
        run = self.run_it("--help")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("pingpong", run.stdout)

    def test_says_what_it_installs_and_installs_only_what_is_missing(self):
        self.replace("dpkg-query", "printf 'installed %s\\n' \"${@:4}\" | grep -v ' cmake$'")
        self.replace("apt-get", f"echo \"$*\" >> '{self.root}/calls'")
        self.replace("cmake", "exit 1")  # so it ends there
        run = self.run_it("mapwire")
        self.assertIn("installing with apt-get: cmake\n", run.stderr)
        self.assertEqual((self.root / "calls").read_text(),
                         "update\ninstall -y --no-install-recommends cmake\n")

    def test_a_second_call_installs_nothing(self):
        self.replace("dpkg-query", "printf 'installed %s\\n' \"${@:4}\"")
        self.replace("apt-get", "echo called; exit 1")
        self.replace("cmake", "exit 1")
        self.assertNotIn("installing", self.run_it("mapwire").stderr)

    def test_a_failed_step_shows_its_log_and_fails_the_run(self):
        self.replace("dpkg-query", "printf 'installed %s\\n' \"${@:4}\"")
        self.replace("cmake", "echo the compiler is on fire; exit 3")
        run = self.run_it("pingpong")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("FAILED", run.stderr)
        self.assertIn("the compiler is on fire", run.stderr)
        self.assertEqual(run.stdout, "")

    def test_the_command_gets_its_arguments_and_keeps_its_status_and_directory(self):
        self.replace("dpkg-query", "printf 'installed %s\\n' \"${@:4}\"")
        self.replace("cmake", "echo ninja: no work to do.")
        (self.root / "build/release/tools").mkdir(parents=True)
        command = self.root / "build/release/tools/mapwire"
        command.write_text("#!/bin/bash\nprintf '[%s]' \"$PWD\" \"$@\"; exit 7\n")
        command.chmod(0o755)
        run = self.run_it("mapwire", "ping", "a b", "", directory="/usr")
        self.assertEqual((run.returncode, run.stdout, run.stderr), (7, "[/usr][ping][a b][]", ""))

    def test_bench_measures_the_release_command_in_as_many_rounds_as_asked_for(self):
        self.replace("dpkg-query", "printf 'installed %s\\n' \"${@:4}\" | grep -v ' sockperf$'")
        self.replace("apt-get", f"echo \"$*\" >> '{self.root}/calls'")
        self.replace("cmake", "echo ninja: no work to do.")
        for path, script in (("tests/bench/bench.py", "printf '[%s]' \"$@\"; exit 1"),
                             ("build/release/tools/mapwire", "exit 0")):
            (self.root / path).parent.mkdir(parents=True)
            (self.root / path).write_text(f"#!/bin/bash\n{script}\n")
            (self.root / path).chmod(0o755)
        for rounds, arguments in (("5", ()), ("12", ("12",))):
            run = self.run_it("bench", *arguments)
            self.assertEqual((run.returncode, run.stdout),
                             (1, f"[{self.root}/build/release/tools/mapwire]"
                                 f"[{self.root}/build/bench][{rounds}]"))
        self.assertIn("install -y --no-install-recommends sockperf\n",
                      (self.root / "calls").read_text())

    def test_softroce_runs_the_words_after_the_dashes_with_the_kernel_asked_for(self):
        self.replace("dpkg-query", "printf 'installed %s\\n' \"${@:4}\"")
        bed = self.root / "tests/softroce"
        bed.mkdir(parents=True)
        (bed / "run_in_guest.sh").write_text("#!/bin/bash\nprintf '[%s]' \"$@\"; exit 9\n")
        (bed / "run_in_guest.sh").chmod(0o755)
        for kernel, arguments in (("6.1", ()), ("6.12", ("--kernel", "6.12"))):
            run = self.run_it("softroce", *arguments, "--", "a b", "--kernel")
            self.assertEqual((run.returncode, run.stdout), (9, f"[{kernel}][3600][a b][--kernel]"))

    def test_the_check_in_the_background_is_told_of_when_the_next_one_has_ended(self):
        self.replace("dpkg-query", "printf 'installed %s\\n' \"${@:4}\"")
        self.replace("ctest", "[[ $* != *'-L tidy'* ]]")  # fails
        (self.root / "tests/softroce").mkdir()
        (self.root / "tests/softroce/suite.sh").write_text("#!/bin/bash\nsleep 1\n")
        (self.root / "tests/softroce/suite.sh").chmod(0o755)
        (self.root / ".ci").mkdir()
        (self.root / ".ci/count_results.py").write_text("print('counted')")
        said = self.run_it("tests").stdout
        self.assertRegex(said, r"(?s)test-softroce-6.1 +ok.*\ntidy +FAILED.*test-tsan +ok.*counted")

    def test_an_interrupt_of_the_tests_ends_the_check_in_the_background(self):
        self.replace("dpkg-query", "printf 'installed %s\\n' \"${@:4}\"")
        begun = self.root / "begun"
        os.mkfifo(begun)
        self.replace("ctest", f"[[ $* != *'-L tidy'* ]] || {{ echo $$ >'{begun}'; sleep 100; }}")
        (self.root / "tests/softroce").mkdir()
        guest = self.root / "guest begun"
        os.mkfifo(guest)
        (self.root / "tests/softroce/suite.sh").write_text(
            f"#!/bin/bash\necho >'{guest}'\nsleep 100\n")
        (self.root / "tests/softroce/suite.sh").chmod(0o755)
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        with subprocess.Popen([self.root / "run", "tests"], env={**os.environ, "PATH": path},
                              stdout=subprocess.DEVNULL, start_new_session=True) as run:
            tidy = pathlib.Path("/proc", begun.read_text().strip())
            guest.read_text()
            os.killpg(run.pid, signal.SIGINT)
            self.assertNotEqual(run.wait(60), 0)
        until = time.monotonic() + 60
        while tidy.exists() and time.monotonic() < until:
            time.sleep(0.01)
        self.assertFalse(tidy.exists())


if __name__ == "__main__":
    unittest.main()
