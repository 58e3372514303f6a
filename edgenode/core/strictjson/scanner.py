"""Strict JSON by the C scanner of the `json` module, for CPython.

The bounds are checked first, by searches that run in C and build next to nothing; then the
scanner reads, and hooks refuse what it would let pass. The modules `reader` and `writer` give the
same results anywhere.
"""

import json

from edgenode.core.errors import DecodeError
from edgenode.core.strictjson.limits import (
    INFINITY,
    MAX_ENCODE_DEPTH,
    MAX_INTEGER,
    MAX_NUMBER_CHARS,
    SHOWN_CHARS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_WHITESPACE = " \t\n\r"

# Keeps brackets, all kinds alike; for bytes.translate.
_ALIKE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def decode(data: bytes, *, max_bytes: int, max_depth: int, max_tokens: int) -> object:
    """Do what the package's `decode` promises."""
    if len(data) > max_bytes:
        raise DecodeError(f"more than {max_bytes} bytes of JSON")
    # Most messages are so small or flat that brackets and commas in strings may be counted too.
    opened = data.count(b"[") + data.count(b"{")
    if len(data) > max_tokens or opened > max_depth:
        _check_structure(data, max_depth, max_tokens)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"byte {error.start}: not UTF-8") from None
    start = len(text) - len(text.lstrip(_WHITESPACE))
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise DecodeError(f"byte {len(text[: error.pos].encode())}: {error.msg}") from None
    rest = text[end:].lstrip(_WHITESPACE)
    if rest:
        raise DecodeError(f"byte {len(data) - len(rest.encode())}: something follows the value")
    if "\\ud" in text or "\\uD" in text:
        _check_surrogates(value)
    return value


def _check_structure(data: bytes, max_depth: int, max_tokens: int) -> None:
    """Check depth and tokens, without what is in strings.

    If `data` is malformed, the two are right up to that place, and the scanner stops there.
    """
    # Without the pairs of backslashes, one before a quote escapes it.
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data
    # Each string is a key or a value, so this bounds the list of parts before it is made.
    if plain.count(b'"') > 2 * max_tokens:
        raise DecodeError(f"more than {max_tokens} values and keys")
    outside = b"".join(plain.split(b'"')[::2])
    tokens = 1 + sum(map(outside.count, (b"[", b"{", b",", b":")))
    if tokens > max_tokens:
        raise DecodeError(f"more than {max_tokens} values and keys")
    brackets = outside.translate(_ALIKE, _NO_BRACKETS)
    # Each round removes the innermost layer.
    for _ in range(max_depth):
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise DecodeError(f"nested deeper than {max_depth}, or brackets without a partner")


def _check_surrogates(value: object) -> None:
    """Refuse halves of surrogate pairs, which UTF-8 cannot write."""
    try:
        _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise DecodeError("half a surrogate pair in a string") from None


def _object(pairs: "list[tuple[str, object]]") -> "dict[str, object]":
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise DecodeError(f"duplicate key {key[:SHOWN_CHARS]!r}")
            seen.add(key)
    return members


def _integer(text: str) -> int:
    if len(text) <= MAX_NUMBER_CHARS:
        value = int(text)
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return value
    raise DecodeError(f"an integer outside +-(2**53-1): {text[:SHOWN_CHARS]}")


def _float(text: str) -> float:
    if len(text) > MAX_NUMBER_CHARS:
        raise DecodeError(f"a number of more than {MAX_NUMBER_CHARS} characters")
    value = float(text)
    if value in (INFINITY, -INFINITY):
        raise DecodeError(f"a number too large for a double: {text}")
    return value


def _constant(word: str) -> "NoReturn":
    raise DecodeError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)


def encode(value: object) -> bytes:
    """Do what the package's `encode` promises."""
    _check_encodable(value, MAX_ENCODE_DEPTH)
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair in a text to write") from None


def _check_encodable(value: object, depth: int) -> None:
    """Refuse what the encoder would let pass or turn into something else."""
    if depth < 0:
        raise ValueError("JSON to write is nested too deep")
    if isinstance(value, str):
        return
    if type(value) is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise ValueError("an integer outside +-(2**53-1)")
    elif isinstance(value, dict):
        for key, member in value.items():
            if type(key) is not str:
                raise TypeError("a key in JSON is a str")
            _check_encodable(member, depth - 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_encodable(item, depth - 1)


_ENCODER = json.JSONEncoder(
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,
    sort_keys=True,
    separators=(",", ":"),
)
