"""Pins in memory."""

from collections.abc import Container


class PlainPins:
    """Pins of the blocks in `held` and of others; `room` for so many."""

    def __init__(self, held: Container[str] = (), room: int = 100) -> None:
        self.held = held
        self.room = room
        self.pinned: set[str] = set()

    async def pin(self, block_id: str) -> bool:
        """Pin a block."""
        if len(self.pinned | {block_id}) > self.room:
            return False
        self.pinned.add(block_id)
        return True

    async def unpin(self, block_id: str) -> bool:
        """Unpin a block."""
        found = block_id in self.pinned
        self.pinned.discard(block_id)
        return found

    async def has(self, block_id: str) -> bool:
        """Tell whether a block is pinned."""
        return block_id in self.pinned

    async def ids(self) -> list[str]:
        """List the pinned blocks."""
        return sorted(self.pinned)

    async def missing(self) -> list[str]:
        """List those that are not held."""
        return sorted(block_id for block_id in self.pinned if block_id not in self.held)
