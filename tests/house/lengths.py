"""Lines of at most 100 columns, files of at most 300 lines (tests: 500).

Function length is clang-tidy's business. A file that must be longer is named in LONGER with the
reason and its present length, from which it may only shrink.
"""

from tree import files

SOURCES = ["*.h", "*.cc", "*.proto", "*.py", "*.sh", "*.cmake", "CMakeLists.txt", "run"]
COLUMNS_MAX = 100
LINES_MAX = 300
TEST_LINES_MAX = 500
LONGER = {}  # path: (lines, reason)


def findings(root):
    for path in files(root, *SOURCES):
        lines = (root / path).read_text().splitlines()
        for number, line in enumerate(lines, start=1):
            if len(line) > COLUMNS_MAX:
                yield f"{path}:{number}: {len(line)} columns"
        limit = TEST_LINES_MAX if path.parts[0] == "tests" else LINES_MAX
        limit, _ = LONGER.get(str(path), (limit, ""))
        if len(lines) > limit:
            yield f"{path}: {len(lines)} lines, more than {limit}: split it"
