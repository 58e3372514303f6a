"""Whatever JSON the node or the command reads, it reads with the strict decoder."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "edgenode"
DECODER = PACKAGE / "core" / "strictjson" / "scanner.py"
OTHERS = {"load", "loads", "JSONDecoder", "scanstring"}


def other_readers(path: Path) -> list[str]:
    """Return where a module uses what reads JSON in another way."""
    return [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in OTHERS
        and isinstance(node.value, ast.Name)
        and node.value.id == "json"
    ]


def test_nobody_reads_json_in_another_way() -> None:
    assert other_readers(DECODER) != []
    modules = [path for path in PACKAGE.rglob("*.py") if path != DECODER]
    assert [place for path in modules for place in other_readers(path)] == []
