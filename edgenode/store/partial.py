"""A block that arrives piece by piece, and whose transfer can go on after a cut."""

import asyncio
from collections.abc import Callable

from edgenode.core.errors import BlockTooLarge, HashMismatch
from edgenode.store.incoming import IncomingFile, IncomingWriter
from edgenode.store.types import StoredBlock


class Partial:
    """An incoming transfer of a block of `size` bytes, of which `offset` are present.

    For one task at a time. Must be ended by `commit`, `discard` or `close`; after an error of
    `write` or a cancellation only the last two are left.
    """

    def __init__(
        self,
        block_id: str,
        size: int,
        file: IncomingFile,
        commit: Callable[[IncomingFile, str], tuple[StoredBlock, bool]],
        on_held: Callable[[str, int], None],
    ) -> None:
        self.block_id = block_id
        self.size = size
        self._writer = IncomingWriter(file)
        self._commit = commit
        self._on_held = on_held

    @property
    def offset(self) -> int:
        """Bytes present: where the next piece begins."""
        return self._writer.size

    async def write(self, data: bytes) -> None:
        """Append a piece. StoreFull, StoreFailed; BlockTooLarge: more than announced, not taken."""
        if self.offset + len(data) > self.size:
            message = f"more than the {self.size} bytes that were announced"
            raise BlockTooLarge(message)
        await self._writer.write(data)

    async def commit(self) -> StoredBlock:
        """Check size and hash and make the block held: durable on return.

        Raises HashMismatch, StoreFull, StoreFailed; then what was received is discarded.
        """
        file = self._writer.file
        if self.offset != self.size:
            await asyncio.to_thread(file.discard)
            message = f"{self.offset} bytes instead of the {self.size} that were announced"
            raise HashMismatch(message)
        try:
            await self._writer.flush()
            block, is_new = await asyncio.to_thread(self._commit, file, self.block_id)
        except Exception:
            await asyncio.to_thread(file.discard)
            raise
        if is_new:
            self._on_held(*block)
        return block

    async def discard(self) -> None:
        """Remove what was received."""
        await asyncio.to_thread(self._writer.file.discard)

    async def close(self) -> None:
        """Keep what was received for a later transfer to resume.

        StoreFull, StoreFailed: all but the last pieces are kept.
        """
        try:
            await self._writer.flush()
        finally:
            await asyncio.to_thread(self._writer.file.keep)
