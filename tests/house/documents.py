"""The documents hang together: READMEs, links, and the commands and tests they name."""

import re
import subprocess

from tree import files

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
RUN = re.compile(r"(?:^|[\s`(])\./run (\w[\w-]*)", re.MULTILINE)

TEST_NAMED = re.compile(r"`(\w+Test)\.(\w+)`")
TEST = re.compile(r"\bTEST(?:_[FP])?\((\w+),\s*(\w+)\)")


def folders_without_readme(root):
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if folder.name in ("build", "docs") or folder.name.startswith("."):
            continue
        if not (folder / "README.md").is_file():
            yield f"{folder.name}/: no README.md: its job, invariants, threads, who owns what"


def dead_links(root):
    for path in files(root, "*.md"):
        for target in LINK.findall((root / path).read_text()):
            if "://" not in target and not (root / path.parent / target).exists():
                yield f"{path}: links to {target}, which does not exist"


def unlinked_pages(root):
    linked = LINK.findall((root / "README.md").read_text())
    for page in files(root, "docs/*.md"):
        if str(page) not in linked:
            yield f"{page}: not linked from README.md"


def unknown_commands(root):
    usage = subprocess.run([root / "run", "--help"], capture_output=True, text=True, check=True)
    known = re.findall(r"^  (\w+)", usage.stdout, re.MULTILINE)
    for path in files(root, "*.md"):
        for command in RUN.findall((root / path).read_text()):
            if command not in known:
                yield f"{path}: shows `./run {command}`, which does not exist"


def unknown_tests(root):
    known = {test for path in files(root, "*.cc")
             for test in TEST.findall((root / path).read_text())}
    for path in files(root, "*.md"):
        for suite, name in TEST_NAMED.findall((root / path).read_text()):
            if (suite, name) not in known:
                yield f"{path}: names the test {suite}.{name}, which does not exist"


def findings(root):
    for check in (folders_without_readme, dead_links, unlinked_pages, unknown_commands,
                  unknown_tests):
        yield from check(root)
