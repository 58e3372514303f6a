"""What the parts of the block store hand to one another and to their callers."""

from pathlib import Path
from typing import NamedTuple, Protocol

from edgenode.store.openfiles import OpenFile


class Hasher(Protocol):
    """An incremental SHA3-512."""

    def update(self, data: bytes | bytearray, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """Return the hash of all bytes so far: a block id."""


class StoredBlock(NamedTuple):
    """A block that is held; `size` in bytes."""

    block_id: str
    size: int


class HeldBlock(NamedTuple):
    """A block that is held and was found whole; `size` in bytes, `path` of its file.

    `file` is open where it was at hand, until others are read more; `data` are its bytes where
    these were, which they only are of a small block.
    """

    block_id: str
    size: int
    path: Path
    file: OpenFile | None
    data: bytes | None
