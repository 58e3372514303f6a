"""A block store as simple as can be: files in one folder, no care for power cuts."""

import hashlib
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path

from edgenode.api.ports import OpenFile
from edgenode.core.errors import BlockTooLarge, EmptyBlock, HashMismatch, StoreFull


@dataclass
class PlainBlock:
    """A stored and held block in one."""

    block_id: str
    size: int
    path: Path
    file: OpenFile | None = None
    data: bytes | None = None


class PlainStore:
    """What the REST interface asks of a store, and a look into it."""

    def __init__(self, root: Path, max_block_size: int) -> None:
        """Use the folder `root`, which exists."""
        self.root = root
        self.max_block_size = max_block_size
        self.room = 1 << 40
        self.failure: Exception | None = None

    async def put(
        self,
        chunks: AsyncIterable[bytes],
        *,
        expected_id: str | None = None,
        size_hint: int | None = None,
    ) -> tuple[PlainBlock, bool]:
        """Store; refuse by the hint first, as the real one does."""
        if size_hint is not None and size_hint > self.room:
            raise StoreFull("full")
        hasher = hashlib.sha3_512()
        size = 0
        partial = self.root / "incoming"
        try:
            with partial.open("wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self.max_block_size:
                        raise BlockTooLarge("large")
                    if size > self.room:
                        raise StoreFull("full")
                    hasher.update(chunk)
                    file.write(chunk)
            if self.failure is not None:
                raise self.failure
            if size == 0:
                raise EmptyBlock("empty")
            block_id = hasher.hexdigest()
            if expected_id not in (None, block_id):
                raise HashMismatch("other")
            path = self.root / block_id
            is_new = not path.exists()
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
        return PlainBlock(block_id, size, path), is_new

    async def get(self, block_id: str) -> PlainBlock | None:
        """Look up."""
        if self.failure is not None:
            raise self.failure
        path = self.root / block_id
        return PlainBlock(block_id, path.stat().st_size, path) if path.exists() else None

    async def delete(self, block_id: str) -> bool:
        """Remove."""
        path = self.root / block_id
        if not path.exists():
            return False
        path.unlink()
        return True

    async def list_blocks(self, after: str | None, limit: int) -> list[PlainBlock]:
        """List."""
        ids = sorted(path.name for path in self.root.iterdir() if path.name > (after or ""))
        found = [await self.get(block_id) for block_id in ids[:limit]]
        return [block for block in found if block is not None]

    def keep(self, data: bytes) -> str:
        """Put a block there from behind; returns its id."""
        block_id = hashlib.sha3_512(data).hexdigest()
        (self.root / block_id).write_bytes(data)
        return block_id

    def files(self) -> list[str]:
        """Return the names of all files."""
        return sorted(path.name for path in self.root.iterdir())
