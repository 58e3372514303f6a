"""Numbers, times and ids in words."""

from html import escape

ID_CHARS = 12
"""Enough of an id to tell nodes and blocks apart; the whole one is in the title."""


def duration(seconds: float) -> str:
    """Return a time span in its two largest units: `3 d 4 h`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    first = next((index for index, (value, _) in enumerate(units) if value), len(units) - 1)
    return " ".join(f"{value} {unit}" for value, unit in units[first : first + 2] if value) or "0 s"


def amount(size: float) -> str:
    """Return a number of bytes in decimal units: `1.5 MB`."""
    if size < 1000:  # noqa: PLR2004
        return f"{size} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:  # noqa: PLR2004 -- what still rounds to 999.9
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def count(number: int, noun: str) -> str:
    """Return `1 peer`, `1,204 blocks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def short_id(whole: str) -> str:
    """Return the beginning of an id as HTML, with the whole one in its title."""
    return f'<code title="{escape(whole)}">{escape(whole[:ID_CHARS])}…</code>'


def row(term: str, description: str) -> str:
    """Return a row of a list of facts; `description` is HTML."""
    return f"<div><dt>{escape(term)}</dt><dd>{description}</dd></div>"
