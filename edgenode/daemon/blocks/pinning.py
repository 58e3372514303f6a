"""Pinned blocks: kept, fetched where they are missing, and not deleted before they are unpinned."""

from collections.abc import Callable

from edgenode.store.blocks import BlockStore
from edgenode.store.pins import PinTable


class Pinning:
    """The operator's pins. `want(block_id)` has a block fetched, as soon as anyone holds it."""

    def __init__(self, table: PinTable, store: BlockStore, want: Callable[[str], None]) -> None:
        self._table = table
        self._store = store
        self._want = want
        self._missing: set[str] | None = None  # None until the pins were looked through once
        self.has = table.has
        self.ids = table.ids

    async def pin(self, block_id: str) -> bool:
        """Pin a block, held or not, durably; False where as many as may be are pinned."""
        if not await self._table.add(block_id):
            return False
        if await self._store.size_of(block_id) is None:
            if self._missing is not None:
                self._missing.add(block_id)
            self._want(block_id)
        return True

    async def unpin(self, block_id: str) -> bool:
        """Let a block be deleted, and no longer fetched; False where it was not pinned."""
        if self._missing is not None:
            self._missing.discard(block_id)
        return await self._table.remove(block_id)

    async def missing(self) -> list[str]:
        """Return the pinned blocks that are not held, ascending."""
        candidates = self._missing
        if candidates is None:
            candidates = set(await self._table.ids())
        # Nothing takes a pinned block away but damage, and what is damaged is wanted by itself.
        self._missing = {
            block_id for block_id in candidates if await self._store.size_of(block_id) is None
        }
        return sorted(self._missing)
