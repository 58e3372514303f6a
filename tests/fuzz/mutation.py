"""Mutations that know what they change: a step of a sequence, JSON as a tree, the rest as bytes."""

import json
import random
from collections.abc import Sequence
from typing import Any

STEP = b"\n~~\n"
"""Between the steps of an input to a state machine."""

MAX_BYTES = 80 * 1024
"""More than any decoder here takes, so that its bound is met."""

NUMBERS = (-1, 0, 1, 2, 255, 65535, 65536, 2**31, 2**32 - 1, 2**53 - 1, 2**53, -(2**63), 10**40)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    1.5,
    1e308,
    "",
    "\0",
    "\ud800",
    "é",
    "[]",
    "{}",
    "[[]]",
)
BYTES = (b"\0", b"\xff", b"\x7f\xff", b"\xff\xff\xff\xff", b"\0" * 16, b"\r\n", b'"', b"%2e%2e%2f")
_LONG = "x" * 300
_LITTLE = 0.6
_MOSTLY = 0.7


def mutated(
    data: bytes, others: Sequence[bytes], words: Sequence[bytes], chance: random.Random
) -> bytes:
    """Return `data` changed once or a few times; `others` give pieces of themselves."""
    if STEP in data or chance.random() < 0.02:
        return _steps(data, others, words, chance)
    return _piece(data, others, words, chance)


def _steps(
    data: bytes, others: Sequence[bytes], words: Sequence[bytes], chance: random.Random
) -> bytes:
    steps = data.split(STEP)
    at = chance.randrange(len(steps))
    how = chance.random()
    if how < _LITTLE:
        steps[at] = _piece(steps[at], others, words, chance)
    elif how < 0.7 and len(steps) > 1:
        del steps[at]
    elif how < 0.8:
        steps.insert(at, steps[chance.randrange(len(steps))])
    elif how < 0.9:
        other = chance.choice(others).split(STEP)
        steps[at:at] = other[chance.randrange(len(other)) :]
    else:
        chance.shuffle(steps)
    return STEP.join(steps[:64])[:MAX_BYTES]


def _piece(
    data: bytes, others: Sequence[bytes], words: Sequence[bytes], chance: random.Random
) -> bytes:
    # A frame has its kind before the JSON.
    start = data.find(b"{", 0, 2)
    if start >= 0 and chance.random() < _MOSTLY:
        try:
            tree = json.loads(data[start:])
        except (ValueError, RecursionError):
            tree = None
        if isinstance(tree, dict) and tree:
            for _ in range(1 if chance.random() < _LITTLE else 3):
                _change_tree(tree, chance)
            text = json.dumps(tree, ensure_ascii=chance.random() < 0.5, separators=(",", ":"))
            return data[:start] + text.encode("utf-8", "surrogatepass")[:MAX_BYTES]
    for _ in range(1 if chance.random() < _LITTLE else chance.randrange(2, 6)):
        data = _change_bytes(data, others, words, chance)
    return data[:MAX_BYTES]


def _change_tree(tree: Any, chance: random.Random) -> None:
    """Change one value, wherever it lies; its holder is one of the dicts and lists on the way."""
    while True:
        keys: list[Any] = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = chance.choice(keys)
        inner = tree[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            tree = inner
            continue
        break
    how = chance.randrange(8)
    if how == 0:
        del tree[key]
    elif how == 1:
        value = chance.choice(VALUES)
        tree[key] = json.loads(value) if value in ("[]", "{}", "[[]]") else value
    elif how == 2:
        tree[key] = chance.choice(NUMBERS)
    elif how == 3 and isinstance(tree, list):
        tree.extend([inner] * chance.choice((1, 2, 70, 300)))
    elif how == 3:
        tree[chance.choice((key + "x", "", "nodeId", "\ud800"))] = inner
    elif how == 4 and isinstance(tree, dict):
        tree[chance.choice(keys)] = inner
    elif isinstance(inner, str):
        tree[key] = _text(inner, chance)
    elif type(inner) is int:
        tree[key] = inner + chance.choice((-1, 1, 2**16, 2**32, -inner, -2 * inner))
    else:
        tree[key] = [inner]


def _text(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    how = chance.randrange(6)
    if how == 0:
        return text[:at]
    if how == 1:
        return text.swapcase()
    if how == 2:
        return text[:at] + _LONG + text[at:]
    if how == 3:
        return (
            text[:at]
            + chr(chance.choice((0, 9, 0x20, 0x7F, 0xDC00, 0x660, 0x1F600)))
            + text[at + 1 :]
        )
    if how == 4:
        return text[:at] + chance.choice('0123456789abcdefg.:/%{}[]"\\') + text[at + 1 :]
    return text + text


def _change_bytes(  # noqa: PLR0911 - a return for each kind of change
    data: bytes, others: Sequence[bytes], words: Sequence[bytes], chance: random.Random
) -> bytes:
    one, other = chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)
    if one > other:
        one, other = other, one
    how = chance.randrange(10)
    if how == 0 and one < len(data):
        return data[:one] + bytes((data[one] ^ 1 << chance.randrange(8),)) + data[one + 1 :]
    if how == 1 and one < len(data):
        return data[:one] + _random(data, 1, chance) + data[one + 1 :]
    if how == 2:
        return data[:one] + data[other:]
    if how == 3:
        return data[:other] + data[one:]
    if how == 4:
        return data[:one] + _random(data, chance.randrange(1, 9), chance) + data[one:]
    if how == 5:
        word = chance.choice(words or BYTES)
        return data[:one] + word + data[one:]
    if how == 6:
        word = chance.choice(BYTES)
        return data[:one] + word + data[one + len(word) :]
    if how == 7:
        source = chance.choice(others)
        cut = chance.randrange(len(source) + 1)
        return data[:one] + source[cut:]
    if how == 8 and chance.random() < 0.3:
        return data[:one]
    if how == 8:
        return data[:one] + data[one:other].swapcase() + data[other:]
    number = chance.choice(NUMBERS) & 0xFFFFFFFF
    size = chance.choice((1, 2, 4))
    return data[:one] + (number & (1 << 8 * size) - 1).to_bytes(size, "big") + data[one + size :]


def _random(data: bytes, count: int, chance: random.Random) -> bytes:
    """Return random bytes; mostly characters where `data` is text, which others would just end."""
    if data[:1].isascii() and data.isascii() and chance.random() < _MOSTLY:
        return bytes(chance.choices(range(0x20, 0x7F), k=count))
    return chance.randbytes(count)
