"""Programs of others that fail, hang or leave a server behind; here they are a line of shell."""

import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

import ends

SERVER = """
import socket, sys, time
listener = socket.socket(type={kind})
listener.bind(("127.0.0.1", int(sys.argv[1])))
{listen}
print("serving", flush=True)
time.sleep(60)
"""


class Ends(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.pids = pathlib.Path(directory.name, "pids")
        cpu = min(os.sched_getaffinity(0))
        self.replace("processors.two", lambda: (cpu, cpu))
        self.replace("PATIENCE_S", 60)
        self.replace("SETTLE_S", 0.2)

    def replace(self, name, value):
        patch = mock.patch(f"ends.{name}", value)
        patch.start()
        self.addCleanup(patch.stop)

    def shell(self, script):
        return ["sh", "-c", f"echo $$ >>'{self.pids}'; {script}"]

    def fails(self, function, *arguments):
        with self.assertRaises(ends.Failed) as caught:
            function(*arguments)
        return str(caught.exception)

    def nobody_is_left(self):
        return not any(os.path.exists(f"/proc/{pid}") for pid in self.pids.read_text().split())

    def serve(self, protocol):
        """A server that never ends by itself, and its client."""
        kind, listen = ("socket.SOCK_STREAM", "listener.listen()")
        if protocol == "udp":
            kind, listen = ("socket.SOCK_DGRAM", "")
        port = ends.free_port(protocol)
        script = SERVER.format(kind=kind, listen=listen)
        server = self.shell(f"exec {sys.executable} -c '{script}' {port}")
        return ends.both(server, self.shell("echo a figure"), port, protocol)

    def test_the_client_runs_when_the_server_listens_and_no_server_is_left(self):
        for protocol in ("tcp", "udp"):
            self.assertEqual(self.serve(protocol), "a figure\n")
            self.assertTrue(self.nobody_is_left())

    def test_a_status_is_told_with_the_output(self):
        why = self.fails(ends.alone, self.shell("echo on fire >&2; exit 3"))
        self.assertEqual(why, "sh ended with status 3: on fire")

    def test_a_program_that_hangs_is_ended(self):
        self.replace("PATIENCE_S", 0.3)
        self.assertEqual(self.fails(ends.alone, self.shell("exec sleep 60")),
                         "sh hangs, after 0.3 s")
        self.assertTrue(self.nobody_is_left())

    def test_a_program_that_is_not_there_is_a_failure(self):
        self.assertIn("No such file", self.fails(ends.alone, ["/nowhere/at/all"]))

    def test_a_server_that_ends_or_never_listens_is_a_failure(self):
        port = ends.free_port()
        client = self.shell("echo never")
        server = self.shell("echo no device; exit 4")
        self.assertEqual(self.fails(ends.both, server, client, port),
                         "the server of sh: status 4: no device")
        self.replace("LISTEN_S", 0.3)
        self.assertIn("not listening after 0.3 s",
                      self.fails(ends.both, self.shell("exec sleep 60"), client, port))
        self.assertTrue(self.nobody_is_left())

    def test_a_failed_client_leaves_no_server(self):
        port = ends.free_port("udp")
        script = SERVER.format(kind="socket.SOCK_DGRAM", listen="")
        server = self.shell(f"exec {sys.executable} -c '{script}' {port}")
        self.assertIn("status 5", self.fails(ends.both, server, self.shell("exit 5"), port, "udp"))
        self.assertTrue(self.nobody_is_left())


if __name__ == "__main__":
    unittest.main()
