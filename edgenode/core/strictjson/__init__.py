"""The one decoder of JSON from outside, and the encoder: the same on CPython and MicroPython."""

import sys

if sys.implementation.name == "micropython":
    from edgenode.core.strictjson.reader import decode as _decode
    from edgenode.core.strictjson.writer import encode as _encode
else:
    from edgenode.core.strictjson.scanner import decode as _decode
    from edgenode.core.strictjson.scanner import encode as _encode

# Room above what the messages of the protocol nest to.
MAX_DEPTH = 8

# `[{},{},...]` spends 3 bytes of text on an item that takes 72 in memory, 24 times as much. What
# JSON costs grows with its values and keys, so these are bounded too: 20,000 of them take 2 MB at
# worst, and hold the largest message, a sync answer of 256 KiB with 13 bytes for each.
MAX_TOKENS = 20000


def decode(
    data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_tokens: int = MAX_TOKENS
) -> object:
    """Give the value in `data`: dict, list, str, int, float, bool or None.

    Takes RFC 8259 and nothing else, and of that only: UTF-8 without byte order mark, no key twice
    in an object, no half of a surrogate pair, integers within +-(2**53-1), numbers of at most 64
    characters that a double can hold. A number without fraction and exponent is an int.

    `max_depth` counts arrays and objects inside one another. `max_tokens` bounds the number of
    values and keys; it counts "[", "{", "," and ":" outside of strings, and 1. All three bounds
    are checked before memory is spent on what exceeds them.

    Raises DecodeError with the place and what is wrong there, as far as it is known.
    """
    return _decode(data, max_bytes=max_bytes, max_depth=max_depth, max_tokens=max_tokens)


def encode(value: object) -> bytes:
    """Give the UTF-8 JSON, without white space, of a value.

    The value is made of dict, list, tuple, str, int, float, bool and None. Keys are sorted, so
    that equal values give equal bytes. What this writes, `decode` reads, given the bounds. Raises
    TypeError for another type, also of a key; ValueError for NaN, infinity, an integer outside
    +-(2**53-1), half of a surrogate pair, or more than 32 levels.
    """
    return _encode(value)
