"""What messages advise exists: MAPWIRE_* variables, and subcommands of mapwire."""

import re

from tree import files

STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
VARIABLE = re.compile(r"\bMAPWIRE_[A-Z_]+")
COMMAND = re.compile(r"`mapwire (\w+)")


def sources(root):
    """Each source file outside of tests, and the strings in it."""
    for path in files(root, "*.cc", "*.h"):
        if path.parts[0] not in ("tests", "examples"):
            whole = re.sub(r'"\s*\n\s*"', "", (root / path).read_text())
            yield path, "\n".join(STRING.findall(whole))


def options(root):
    return set(re.findall(r"^## (MAPWIRE_\w+)", (root / "docs/options.md").read_text(), re.M))


def commands(root):
    return set(re.findall(r"\badd_(\w+)\(CLI::App", (root / "tools/commands.h").read_text()))


def findings(root):
    known_options, known_commands = options(root), commands(root)
    for path, text in sources(root):
        for variable in sorted(set(VARIABLE.findall(text)) - known_options):
            yield f"{path}: names {variable}, which is no option"
        for command in sorted(set(COMMAND.findall(text)) - known_commands):
            yield f"{path}: names `mapwire {command}`, which is no command"
