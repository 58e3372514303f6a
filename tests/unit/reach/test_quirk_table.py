"""The table of routers' quirks names tests that exist, and none of its rows is without one."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
DOCUMENT = TESTS.parent / "docs" / "reach.md"
_ROW = re.compile(r"\| `([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)` \|$")


def test_each_row_has_its_test() -> None:
    table = DOCUMENT.read_text().partition("## Quirks of routers\n")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        found = _ROW.search(row)
        assert found is not None, row
        path, name = found.groups()
        assert f"def {name}(" in (TESTS / path).read_text(), row
