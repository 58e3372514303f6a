"""What a setting may hold: one rule for each kind of value.

A rule reads a value as `tomllib` gives it. It returns the value in the type of the record, or
reports what is wrong and returns None; it never stops at the first problem.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

Key = tuple[str | int, ...]
"""The way to a value: table names, setting name, and indexes into lists."""

Report = Callable[[Key, str, str], None]
"""Takes the key, what is wrong, and the remedy ("" where only the default can be named)."""

MAX_LIST = 256
"""Entries in any list: far more than one node can dial or announce."""

MAX_HOST_NAME = 253
"""RFC 1035 section 2.3.4, as text without the final dot."""

KEY_CHARS = 64
"""Hex of 32 bytes."""

MIN_SECRET = 32
"""As hex, 128 bits: no guessing, even for one who can try as fast as he computes."""

MAX_SECRET = 256

MIN_DISTINCT = 8
"""Kinds of characters: 32 random hex digits have fewer once in 20 million times; "aaaa…" has."""

_LOWER_HEX = "0123456789abcdef"
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """What a setting may hold: `expected` says it in words, `read` checks it."""

    expected: str
    read: Callable[[object, Key, Report], T | None]


def whole(minimum: int, maximum: int) -> Rule[int]:
    """Accept a whole number within the bounds (both included); true and false are none."""

    def accept(value: object) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if minimum <= value <= maximum else None

    return _scalar(f"a whole number from {minimum} to {maximum}", accept)


def switch() -> Rule[bool]:
    """Accept true or false."""
    return _scalar("true or false", lambda value: value if isinstance(value, bool) else None)


def word(max_length: int) -> Rule[str]:
    """Accept a name for machines: ASCII letters, digits and `. _ : / -`, no space."""

    def accept(value: object) -> str | None:
        text = _text(value, max_length)
        return text if text is not None and _WORD.fullmatch(text) else None

    return _scalar(f"1 to {max_length} letters, digits or . _ : / - in quotes, no space", accept)


def hex_key() -> Rule[str]:
    """Accept the hex of an Ed25519 public key, which a nodeId is."""
    return _scalar(
        f"a key or nodeId, {KEY_CHARS} hexadecimal digits in lower case, in quotes", _hex_key
    )


def member(*words: str) -> Rule[str]:
    """Accept a nodeId, or one of `words`."""

    def accept(value: object) -> str | None:
        return value if isinstance(value, str) and value in words else _hex_key(value)

    names = " or ".join(f'"{item}"' for item in words)
    return _scalar(f"a nodeId ({KEY_CHARS} hexadecimal digits) or {names}, in quotes", accept)


def secret_text() -> Rule[str]:
    """Accept a long random text without spaces, or "" for none; no error repeats it."""
    expected = (
        f"{MIN_SECRET} to {MAX_SECRET} random letters, digits or signs in quotes, without a space"
    )

    def read(value: object, key: Key, report: Report) -> str | None:
        if value == "" or (isinstance(value, str) and is_secret(value)):
            return value
        report(key, f"expected {expected}", "take 64 random hexadecimal digits")
        return None

    return Rule(expected, read)


def is_secret(text: str) -> bool:
    """Tell whether the text is long and varied enough to hold 128 random bits."""
    return (
        MIN_SECRET <= len(text) <= MAX_SECRET
        and text.isascii()
        and text.isprintable()
        and " " not in text
        and len(set(text)) >= MIN_DISTINCT
    )


def line(max_length: int) -> Rule[str]:
    """Accept text for people: one line, no control characters, may be empty."""
    return _scalar(
        f"text in quotes, at most {max_length} characters, without control characters",
        lambda value: _text(value, max_length),
    )


def choice(*known: str) -> Rule[str]:
    """Accept one of a closed list of words."""
    expected = "one of " + ", ".join(f'"{item}"' for item in known)

    def read(value: object, key: Key, report: Report) -> str | None:
        if isinstance(value, str) and value in known:
            return value
        near = nearest(value, known) if isinstance(value, str) else None
        report(key, _mismatch(expected, value), f'write "{near}"' if near else "")
        return None

    return Rule(expected, read)


def absolute_path() -> Rule[Path]:
    """Accept a path from the root: a service has no folder of its own to start from."""

    def accept(value: object) -> Path | None:
        text = _text(value, 4096)
        return Path(text) if text is not None and text.startswith("/") else None

    return _scalar("an absolute path in quotes", accept, "write the whole path, from /")


def file_or_none() -> Rule[str]:
    """Accept a path from the root, or "" for none."""

    def accept(value: object) -> str | None:
        text = _text(value, 4096)
        return text if text is not None and (not text or text.startswith("/")) else None

    return _scalar('an absolute path in quotes, or ""', accept, "write the whole path, from /")


def bind_address() -> Rule[str]:
    """Accept an IP address of this machine, or "" for all of them (IPv4 and IPv6)."""

    def accept(value: object) -> str | None:
        text = _text(value, MAX_HOST_NAME)
        return text if text is not None and (not text or _packed_ip(text)) else None

    return _scalar('an IP address in quotes, or "" for all interfaces', accept)


def multicast_address() -> Rule[str]:
    """Accept an IPv4 or IPv6 multicast group."""

    def accept(value: object) -> str | None:
        text = _text(value, MAX_HOST_NAME)
        packed = _packed_ip(text) if text is not None else None
        if text is None or packed is None:
            return None
        is_group = packed[0] == 0xFF if len(packed) == 16 else packed[0] >> 4 == 0xE  # noqa: PLR2004
        return text if is_group else None

    return _scalar("a multicast IP address in quotes", accept)


def dns_name() -> Rule[str]:
    """Accept a DNS name in ASCII (RFC 1035; underscores too, as in service names)."""
    return _scalar("a DNS name in quotes", lambda value: _dns_name(_text(value, MAX_HOST_NAME)))


def host() -> Rule[str]:
    """Accept a DNS name or an IP address, without brackets, port or scheme."""
    expected = "a host name or an IP address in quotes"

    def read(value: object, key: Key, report: Report) -> str | None:
        text = _text(value, MAX_HOST_NAME)
        if text is not None and _packed_ip(_without_zone(text)):
            return text
        if (name := _dns_name(text)) is not None:
            return name
        looks_like_url = text is not None and (":" in text or "[" in text)
        hint = "write the address alone; the port has its own key" if looks_like_url else ""
        report(key, _mismatch(expected, value), hint)
        return None

    return Rule(expected, read)


def list_of(item: Rule[T]) -> Rule[tuple[T, ...]]:
    """Accept a list, every entry by the item's rule, none twice."""
    expected = f"a list in [ ], each entry {item.expected}"

    def read(value: object, key: Key, report: Report) -> tuple[T, ...] | None:
        if not isinstance(value, list):
            report(key, _mismatch(expected, value), "write it in [ ]")
            return None
        if len(value) > MAX_LIST:
            report(key, f"expected at most {MAX_LIST} entries, found {len(value)}", "shorten it")
            return None
        entries: list[T] = []
        sound = True
        for index, raw in enumerate(value):
            entry = item.read(raw, (*key, index), report)
            if entry is None:
                sound = False
            elif entry in entries:
                report((*key, index), f"{shown(raw)} is there twice", "remove one of them")
                sound = False
            else:
                entries.append(entry)
        return tuple(entries) if sound else None

    return Rule(expected, read)


def shown(value: object) -> str:
    """Name a value and its TOML type, short enough for one line of an error."""
    if isinstance(value, bool):
        return f"{str(value).lower()} (true or false)"
    if isinstance(value, str):
        return f'"{_cut(value)}" (text)'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    kinds = {int: "a whole number", float: "a number with a fraction"}
    return f"{_cut(str(value))} ({kinds.get(type(value), 'a date or time')})"


def nearest(wrong: str, known: "tuple[str, ...]") -> str | None:
    """Name the known word nearest to a wrong one, or None where none is near."""
    import difflib  # noqa: PLC0415 - needed only after a mistake

    folded = {entry.lower().replace("_", ""): entry for entry in known}
    close = difflib.get_close_matches(wrong.lower().replace("_", "").replace("-", ""), folded, 1)
    return folded[close[0]] if close else None


def _scalar(expected: str, accept: Callable[[object], T | None], hint: str = "") -> Rule[T]:
    def read(value: object, key: Key, report: Report) -> T | None:
        accepted = accept(value)
        if accepted is None:
            unquoted = _unquoted(value)
            without = unquoted is not None and accept(unquoted) is not None
            remedy = f"write {value} without quotes" if without else hint
            report(key, _mismatch(expected, value), remedy)
        return accepted

    return Rule(expected, read)


def _mismatch(expected: str, value: object) -> str:
    return f"expected {expected}, found {shown(value)}"


def _unquoted(value: object) -> object:
    """Read what a quoted number or switch would be without its quotes; None for other text."""
    if not isinstance(value, str):
        return None
    if value in ("true", "false"):
        return value == "true"
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None


def _hex_key(value: object) -> str | None:
    if not isinstance(value, str) or len(value) != KEY_CHARS or value.strip(_LOWER_HEX):
        return None
    return value


def _cut(text: str) -> str:
    plain = "".join(char if char.isprintable() else "?" for char in text)
    return plain if len(plain) <= 60 else plain[:57] + "..."  # noqa: PLR2004


def _text(value: object, max_length: int) -> str | None:
    fits = isinstance(value, str) and len(value) <= max_length and value.isprintable()
    return value if fits and isinstance(value, str) else None


def _packed_ip(text: str) -> bytes | None:
    """Return the address as 4 or 16 bytes."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_pton(family, text)
        except OSError:
            continue
    return None


def _without_zone(text: str) -> str:
    """Leave out the zone of a link-local address (RFC 4007 section 11): `fe80::1%eth0`."""
    address, _, zone = text.partition("%")
    return address if zone and address.lower().startswith("fe80:") else text


def _dns_name(text: str | None) -> str | None:
    if not text:
        return None
    labels = text.removesuffix(".").split(".")
    # No top-level domain is all digits (RFC 3696 section 2): "192.168.1.300" is a slip.
    if labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return text
