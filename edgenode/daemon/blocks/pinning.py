"""Pinned blocks: kept, fetched where they are missing, and not deleted before they are unpinned."""

from collections.abc import Callable

from edgenode.store.blocks import BlockStore
from edgenode.store.pins import PinTable


class Pinning:
    """The operator's pins. `wake()` has what is missing fetched, as soon as anyone holds it."""

    def __init__(self, table: PinTable, store: BlockStore, wake: Callable[[], None]) -> None:
        self._table = table
        self._store = store
        self._wake = wake
        self.has = table.has
        self.ids = table.ids
        self.unpin = table.remove

    async def pin(self, block_id: str) -> bool:
        """Pin a block, held or not, durably; False where as many as may be are pinned."""
        try:
            return await self._table.add(block_id)
        finally:
            self._wake()  # also where the caller is gone: what he began is carried out

    async def missing(self) -> list[str]:
        """Return the pinned blocks that are not held, ascending."""
        return await self._store.lacking(await self._table.ids())
