"""Settings as TOML text, and as plain data for JSON."""

import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

HIDDEN = "(hidden)"
"""No secret itself: with its 8 characters it is refused where one is read."""


def toml_value(value: object) -> str:
    """Write one value on one line; records become inline tables."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str | Path):
        # JSON's escapes are a subset of those of a TOML basic string; DEL alone JSON leaves bare.
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    pairs = (f"{name} = {toml_value(item)}" for name, item in _items(value))
    return "{ " + ", ".join(pairs) + " }"


def to_toml(config: object) -> str:
    """Write every setting in force, so that loading the text gives an equal record."""
    lines = []
    sections = []
    for name, value in _items(config):
        if is_dataclass(value):
            body = [f"{key} = {toml_value(item)}" for key, item in _items(value)]
            sections.append("\n".join(["", f"[{name}]", *body]))
        else:
            lines.append(f"{name} = {toml_value(value)}")
    return "\n".join([*lines, *sections]) + "\n"


def masked(record: Any) -> Any:
    """Return the record with HIDDEN in the place of each secret that is set, at any depth."""
    changes: dict[str, object] = {}
    for item in fields(record):
        value = getattr(record, item.name)
        if is_dataclass(value):
            changes[item.name] = masked(value)
        elif value and item.metadata["config"].secret:
            changes[item.name] = HIDDEN
    return replace(record, **changes)


def plain(value: object) -> object:
    """Turn records into dicts, tuples into lists and paths into text, for JSON."""
    if is_dataclass(value):
        return {name: plain(item) for name, item in _items(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _items(record: Any) -> list[tuple[str, object]]:
    return [(item.name, getattr(record, item.name)) for item in fields(record)]
