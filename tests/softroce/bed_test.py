"""The test bed with QEMU and apt replaced: nothing boots and nothing is fetched here."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent


def runs(pid):
    """Not so of a process that ended and whose new parent has not asked for its status yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


class Bed(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name, "a clone")
        self.bed = self.root / "softroce"
        shutil.copytree(FOLDER, self.bed, ignore=shutil.ignore_patterns("__pycache__"))
        (self.root / "bin").mkdir()
        (self.root / "tmp").mkdir()
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(self.root / "cache"),
                            "TMPDIR": str(self.root / "tmp"),
                            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"}
        self.program("bin/uname", "echo x86_64")
        self.program("bin/apt-cache", "echo ' Depends: linux-image-1.2-amd64'")
        self.program("bin/apt-get", f"echo fetched >>'{self.root}/calls'; touch kernel.deb")
        self.program("softroce/initramfs.sh", 'mkdir -p "$2" && touch "$2/vmlinuz"')
        for tool in ("busybox", "cpio", "depmod", "xz"):
            self.program(f"bin/{tool}", "true")
        self.program("bin/ldd", "exit 1")
        self.qemu("exit 0")

    def program(self, path, script):
        (self.root / path).write_text(f"#!/bin/bash\n{script}\n")
        (self.root / path).chmod(0o755)

    def qemu(self, script):
        """What runs in place of QEMU, with the working folder as $work, and opens the pipes."""
        self.program("bin/qemu-system-x86_64", "true")
        self.program("softroce/qemu.sh", 'work=$2; exec >"$work/stdout" 2>"$work/stderr"\n'
                     f'echo the console >"$work/console"; {script}')

    def start(self, script, *arguments):
        return subprocess.Popen([self.bed / script, *arguments], env=self.environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def boot(self, *command, limit_s="60"):
        process = self.start("run_in_guest.sh", "6.1", limit_s, *command)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def test_output_and_status_are_those_of_the_command(self):
        self.qemu('echo out; echo err >&2; echo 7 >"$work/share/status"')
        self.assertEqual(self.boot("true"), (7, "out\n", "err\n"))

    def test_the_command_keeps_its_words_and_its_directory(self):
        self.qemu('bash "$work/share/command"; echo $? >"$work/share/status"')
        self.assertEqual(self.boot("printf", "[%s]", "a b", "", "$x'\n"),
                         (0, "[a b][][$x'\n]", ""))
        self.assertEqual(self.boot("pwd")[1], f"{os.getcwd()}\n")

    def test_what_is_left_in_the_outbox_is_brought_back(self):
        self.environment["SOFTROCE_OUTBOX"] = str(self.root)
        self.qemu('echo 1 >"$work/share/outbox/results.xml"; echo 0 >"$work/share/status"')
        self.assertEqual(self.boot("true")[0], 0)
        self.assertEqual((self.root / "results.xml").read_text(), "1\n")

    def test_a_guest_that_hangs_is_stopped_and_told_about(self):
        self.qemu("exec sleep 100")
        status, _, err = self.boot("some", "command", limit_s="1")
        self.assertEqual(status, 124)
        self.assertIn("no end after 1 s, so the guest was stopped while it booted: some command",
                      err)
        self.qemu('touch "$work/share/started"; exec sleep 100')
        self.assertIn("while it ran the command", self.boot("true", limit_s="3")[2])

    def test_a_guest_that_dies_is_told_about_with_its_last_words(self):
        status, _, err = self.boot("true")
        self.assertEqual(status, 125)
        self.assertIn("the console\n", err)

    def test_a_qemu_that_does_not_start_is_told_about_with_its_words(self):
        self.program("softroce/qemu.sh", "echo no memory >&2; exit 3")
        status, _, err = self.boot("true")
        self.assertEqual(status, 125)
        self.assertRegex(err, "no memory\n(.*\n)*.*QEMU ended with status 3 while the guest booted")

    def test_the_kernel_is_kept_where_it_can_be_written(self):
        home = self.root / "home"
        self.environment.update(HOME=str(home), XDG_CACHE_HOME="")
        self.assertIn(str(home / ".cache"), self.start("kernel.sh", "6.1").communicate()[0])
        (self.root / "file").touch()
        self.environment.update(XDG_CACHE_HOME=str(self.root / "file"))
        self.assertIn(str(home / ".cache"), self.start("kernel.sh", "6.1").communicate()[0])

    def test_missing_tools_are_named_with_their_package(self):
        self.program("bin/ldd", "true")
        status, _, err = self.boot("true")
        self.assertEqual(status, 77)
        self.assertRegex(err, "SKIP: busybox needs libraries.*busybox-static")

    def test_an_image_that_no_initramfs_can_be_made_of_is_told_about(self):
        self.program("softroce/initramfs.sh", "echo unexpected end of archive >&2; exit 2")
        status, _, err = self.boot("true")
        self.assertEqual(status, 1)
        self.assertRegex(err, r"unexpected end of archive\n(.*\n)*.*no initramfs.*linux-image\.deb")

    @unittest.skipUnless(os.geteuid() == 0, "only root can renew apt's lists")
    def test_old_package_lists_are_renewed(self):
        self.program("bin/apt-get", f"[[ $1 == update ]] && touch '{self.root}/new' && exit\n"
                     f"[[ -e '{self.root}/new' ]] && touch kernel.deb")
        self.assertEqual(self.boot("true")[0], 125)

    def test_a_machine_that_can_not_have_a_guest_is_skipped_with_the_reason(self):
        self.program("bin/uname", "echo aarch64")
        status, out, err = self.boot("true")
        self.assertEqual((status, out), (77, ""))
        self.assertRegex(err, "^SKIP: .*aarch64")
        self.program("bin/uname", "echo x86_64")
        self.program("bin/apt-get", "exit 100")
        status, _, err = self.boot("true")
        self.assertEqual(status, 77)
        self.assertRegex(err, "SKIP: apt-get can not download linux-image-1.2-amd64")
        self.program("bin/apt-cache", "true")
        self.assertRegex(self.boot("true")[2], "SKIP: apt knows no package linux-image-amd64")

    def test_the_guest_ends_with_its_caller_and_leaves_nothing(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            self.qemu('echo $$ >&2; exec sleep 100')
            process = self.start("run_in_guest.sh", "6.1", "60", "true")
            guest = int(process.stderr.readline())
            process.send_signal(number)
            process.communicate(timeout=30)
            self.assertEqual(process.returncode, status)
            self.assertFalse(runs(guest))
            self.assertEqual(os.listdir(self.root / "tmp"), [])

    def test_two_callers_at_once_make_one_kernel(self):
        self.program("bin/apt-get",
                     f"echo fetched >>'{self.root}/calls'; sleep 0.3; touch kernel.deb")
        callers = [self.start("kernel.sh", "6.1") for _ in range(2)]
        folders = {caller.communicate(timeout=30)[0] for caller in callers}
        self.assertEqual(len(folders), 1)
        self.assertTrue(pathlib.Path(folders.pop().strip(), "vmlinuz").exists())
        self.assertEqual((self.root / "calls").read_text(), "fetched\n")

    def test_a_kernel_that_was_made_by_half_is_made_again(self):
        halves = {"bin/apt-get": "[[ $1 == update ]] || touch part.deb; kill -9 $$",
                  "softroce/initramfs.sh": 'mkdir -p "$2"; touch "$2/part"; kill -9 $$'}
        for half, script in halves.items():
            whole = (self.root / half).read_text()
            self.program(half, script)
            self.assertNotEqual(self.boot("true")[0], 125)
            (self.root / half).write_text(whole)
        folder = pathlib.Path(self.start("kernel.sh", "6.1").communicate(timeout=30)[0].strip())
        self.assertEqual(os.listdir(folder), ["vmlinuz"])


if __name__ == "__main__":
    unittest.main()
