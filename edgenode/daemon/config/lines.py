"""Where in a TOML text a key stands: `tomllib` gives no line numbers for keys."""

import re
from collections.abc import Mapping

from edgenode.daemon.config.rules import Key

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_PAIR = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
_TRIPLE = re.compile(r"'''|\"\"\"")


def key_lines(text: str) -> dict[Key, int]:
    """Map the keys of a valid TOML text to their lines, counted from 1.

    A scan, not a parser: keys inside inline tables and lists are not found (`line_of` then gives
    the line on which the value that holds them begins).
    """
    found: dict[Key, int] = {}
    tables: dict[Key, int] = {}
    prefix: Key = ()
    quote: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        inside = quote is not None
        for mark in _TRIPLE.findall(line):
            quote = mark if quote is None else None if mark == quote else quote
        if inside:
            continue
        if header := _HEADER.fullmatch(line):
            prefix = _parts(header[2])
            if header[1] == "[[":
                index = tables.get(prefix, 0)
                tables[prefix] = index + 1
                found.setdefault(prefix, number)
                prefix = (*prefix, index)
            found.setdefault(prefix, number)
        elif pair := _PAIR.match(line):
            found.setdefault(prefix + _parts(pair[1]), number)
    return found


def line_of(key: Key, lines: Mapping[Key, int]) -> int | None:
    """Return the line of a key, else of the nearest value around it, else None."""
    for length in range(len(key), 0, -1):
        if (number := lines.get(key[:length])) is not None:
            return number
    starts = [number for found, number in lines.items() if found[: len(key)] == key]
    return min(starts, default=None) if key else None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
