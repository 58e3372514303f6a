"""The values of arguments: text that was typed, as what it means."""

import argparse

from edgenode.core.blacklist import MAX_DURATION_S
from edgenode.core.ids import NODE_ID_LENGTH, is_block_id
from edgenode.core.records import TEMPERATURES

AUTO = "auto"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

MAX_DAYS = 36_500
"""A hundred years: beyond it, leave the end out."""


def block_id(text: str) -> str:
    """Return a block id; raises `ArgumentTypeError`."""
    folded = text.strip().lower()
    if not is_block_id(folded):
        raise argparse.ArgumentTypeError("not a block id: that is 128 hexadecimal digits")
    return folded


def node_id(text: str) -> str:
    """Return a nodeId; raises `ArgumentTypeError`."""
    folded = text.strip().lower()
    if len(folded) != NODE_ID_LENGTH or folded.strip("0123456789abcdef"):
        raise argparse.ArgumentTypeError("not a nodeId: that is 64 hexadecimal digits")
    return folded


def days(text: str) -> int:
    """Return a number of days; raises `ArgumentTypeError`."""
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:6]) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"not a number of days: that is 1 to {MAX_DAYS}")
    return int(text[:6])


def duration(text: str) -> int:
    """Return seconds; raises `ArgumentTypeError`."""
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isascii() and number.isdecimal():
        seconds = int(number[:12]) * _UNITS[unit]
        if 1 <= seconds <= MAX_DURATION_S:
            return seconds
    raise argparse.ArgumentTypeError("not a duration: that is 90s, 30m, 12h or 7d, at most 366d")


def temperature(text: str) -> str:
    """Return a temperature, or AUTO; raises `ArgumentTypeError`."""
    if text.lower() == AUTO:
        return AUTO
    name = text.upper()
    if name not in TEMPERATURES:
        known = ", ".join(reversed(TEMPERATURES))
        raise argparse.ArgumentTypeError(f"not a temperature: that is {known} or {AUTO}")
    return name
