"""Reading a node's answers, which another version may have made."""

from typing import Any

from edgenode.cli import exits
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import clean

MAX_NUMBER = 2**63
"""No counter of a node comes near; what does not compare (NaN) is refused with it."""


def maybe(table: dict[str, Any], key: str) -> str:
    """Return a text, "-" where there is none."""
    value = table.get(key)
    return clean(value) if isinstance(value, str) and value else "-"


def text(table: dict[str, Any], key: str) -> str:
    """Return a text; raises CommandFailed where there is none."""
    value = table.get(key)
    if not isinstance(value, str):
        raise not_understood(key)
    return clean(value)


def number(table: dict[str, Any], key: str) -> float:
    """Return a number from 0; raises CommandFailed where there is none."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise not_understood(key)
    if not 0 <= value < MAX_NUMBER:
        raise not_understood(key)
    return value


def table(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object; raises CommandFailed where there is none."""
    value = parent.get(key)
    if not isinstance(value, dict):
        raise not_understood(key)
    return value


def tables(parent: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return an array of objects; raises CommandFailed where there is none."""
    value = parent.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise not_understood(key)
    return value


def not_understood(key: str) -> CommandFailed:
    """Return the error for a `key` that is missing or of another form."""
    message = f"the node's answer has no {key} as this version knows it; --json shows it as it is"
    return CommandFailed(exits.FAILED, message)
