"""The inputs that are kept in `corpus/`: a file for each target, an input on each line.

In a line %HH stands for a byte; what needs no escape is written as it is.
"""

from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"

_PLAIN = frozenset(range(0x20, 0x7F)) - {ord("%")}


def kept(name: str) -> list[bytes]:
    """Return the inputs that are kept for a target."""
    path = FOLDER / f"{name}.txt"
    return [unescaped(line) for line in path.read_text().splitlines()] if path.exists() else []


def keep(name: str, inputs: Iterable[bytes]) -> None:
    """Add inputs to those that are kept, in an order that does not depend on when they came."""
    lines = {escaped(data) for data in (*kept(name), *inputs)}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.txt").write_text("".join(f"{line}\n" for line in sorted(lines)))


def escaped(data: bytes) -> str:
    """Return the line of an input."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data)


def unescaped(line: str) -> bytes:
    """Return the input of a line."""
    first, *others = line.split("%")
    return first.encode() + b"".join(
        bytes((int(piece[:2], 16),)) + piece[2:].encode() for piece in others
    )
