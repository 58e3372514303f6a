"""docs/security.md, its table of limits: each value is that of the constant in the code."""

import re
from importlib import import_module
from typing import Any

import pytest

from tests.unit.test_security_document import section

ROWS = section("Limits")
_NUMBER = re.compile(r"[0-9][0-9,]*(\.[0-9]+)?")


def constant(path: str) -> Any:
    """Return what `package.module.NAME` is; of a table of settings, `.field` is its default."""
    module, _, name = path.partition(":")
    value = import_module(f"edgenode.{module}")
    for part in name.split("."):
        value = getattr(value, part)
        if isinstance(value, type):
            value = value()
    return value


def test_there_is_a_row_for_each_kind_of_limit() -> None:
    assert len(ROWS) > 40
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_value_is_the_one_in_the_code(row: list[str]) -> None:
    _, shown, where, _ = row
    number = _NUMBER.match(shown)
    assert number is not None
    assert float(number[0].replace(",", "")) == float(constant(where.strip("`")))
