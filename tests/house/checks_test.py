"""Each check finds what it is there for: small trees with one thing wrong."""

import pathlib
import tempfile
import unittest

import advice
import documents
import include_order
import lengths
import public_headers


class Checks(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def expect(self, findings, *starts):
        found = list(findings)
        self.assertEqual(len(found), len(starts), found)
        for line, start in zip(found, starts):
            self.assertTrue(line.startswith(start), f"{line!r} does not start with {start!r}")

    def test_a_layer_may_include_the_layers_above_it_and_none_below(self):
        self.write("runtime/good.cc", '#include "mapwire/proto/a.h"\n#include "control.pb.h"\n')
        self.write("tests/endpoints/good.cc", '#include "mapwire/endpoints/detail/a.h"\n')
        self.write("runtime/upside_down.cc", '  # include "mapwire/nic_fw/a.h"\n')
        self.write("tests/proto/upside_down.cc", '#include "mapwire/runtime/a.h"\n')
        self.expect(include_order.findings(self.root),
                    "runtime/upside_down.cc:", "tests/proto/upside_down.cc:")

    def test_headers_are_named_by_layer_and_details_are_private(self):
        self.write("nic_fw/short.cc", '#include "wire.h"\n')
        self.write("nic_fw/test_help.cc", '#include "tests/nic_fw/network.h"\n')
        self.write("tools/private.cc", '#include "mapwire/endpoints/detail/a.h"\n')
        self.expect(include_order.findings(self.root),
                    "nic_fw/short.cc:", "nic_fw/test_help.cc:", "tools/private.cc:")

    def test_public_headers_include_public_headers(self):
        self.write("cmake/mapwire_public_headers.cmake", "set(x\n  proto/a.h\n  proto/gone.h\n)\n")
        self.write("proto/a.h", '#include "mapwire/proto/hidden.h"\n')
        self.expect(public_headers.findings(self.root),
                    "proto/a.h:", "cmake/mapwire_public_headers.cmake: proto/gone.h")

    def test_an_unsorted_or_empty_list_of_public_headers_is_found(self):
        self.write("cmake/mapwire_public_headers.cmake", "set(x\n  proto/b.h\n  proto/a.h\n)\n")
        self.write("proto/a.h", "")
        self.write("proto/b.h", "")
        self.expect(public_headers.findings(self.root), "cmake/mapwire_public_headers.cmake: not")
        self.write("cmake/mapwire_public_headers.cmake", "set(x)\n")
        self.expect(public_headers.findings(self.root), "cmake/mapwire_public_headers.cmake: no ")

    def test_long_lines_and_files_are_found_outside_of_the_build_directory(self):
        self.write("proto/good.cc", "x" * lengths.COLUMNS_MAX + "\n" * lengths.LINES_MAX)
        self.write("proto/long.cc", "\n" * (lengths.LINES_MAX + 1))
        self.write("proto/wide.h", "\n" + "x" * (lengths.COLUMNS_MAX + 1))
        self.write("tests/proto/long.cc", "\n" * (lengths.TEST_LINES_MAX + 1))
        self.write("build/dev/wide.h", "x" * (lengths.COLUMNS_MAX + 1))
        self.expect(lengths.findings(self.root),
                    "proto/long.cc:", "proto/wide.h:2:", "tests/proto/long.cc:")

    def test_a_folder_without_readme_and_a_dead_link_are_found(self):
        self.write("README.md", "[here](docs/there.md#part) [out](https://example.org/x)")
        self.write("tlb/README.md", "[up](../README.md)")
        self.write("nic_fw/engine.h", "")
        self.expect(documents.folders_without_readme(self.root), "nic_fw/:")
        self.expect(documents.dead_links(self.root), "README.md: links to docs/there.md")

    def test_an_option_and_a_command_that_are_none_are_found(self):
        self.write("docs/options.md", "## MAPWIRE_LOG\n")
        self.write("tools/commands.h", "void add_ping(CLI::App& app);\n")
        self.write("runtime/good.cc", '"MAPWIRE_LOG; `mapwire "\n    "ping` too"; MAPWIRE_BUILD\n')
        self.write("runtime/wrong.cc", '"set MAPWIRE_"\n  "LOGS, or `mapwire pong`"\n')
        self.write("tests/runtime/a.cc", '"MAPWIRE_TEST_SEEDS"\n')
        self.expect(advice.findings(self.root), "runtime/wrong.cc: names MAPWIRE_LOGS",
                    "runtime/wrong.cc: names `mapwire pong`")

    def test_a_page_that_the_readme_does_not_link_is_found(self):
        self.write("README.md", "[a](docs/a.md)")
        self.write("docs/a.md", "")
        self.write("docs/b.md", "")
        self.expect(documents.unlinked_pages(self.root), "docs/b.md:")

    def test_a_command_that_run_does_not_know_is_found(self):
        self.write("run", "#!/bin/sh\necho '  tests   all checks'\n")
        (self.root / "run").chmod(0o755)
        self.write("README.md", "`./run tests` and\n./run pingping\n")
        self.expect(documents.unknown_commands(self.root), "README.md: shows `./run pingping`")

    def test_a_named_test_that_does_not_exist_is_found(self):
        self.write("tests/tlb/a_test.cc", "TEST_P(ATest, holds) {}\nTEST(BTest,\n     holds) {}\n")
        self.write("docs/a.md", "`ATest.holds`, `BTest.holds`, `ATest.fails`")
        self.expect(documents.unknown_tests(self.root), "docs/a.md: names the test ATest.fails")


if __name__ == "__main__":
    unittest.main()
