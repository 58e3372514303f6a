"""What the REST interface needs of other parts, as types."""

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

Snapshot = Callable[[], Mapping[str, Any]]
"""Gives the present state as a JSON-ready object; called once for each request."""

Fetch = Callable[[str], Awaitable[None]]
"""Makes a block held by fetching it from linked peers, and returns when it is.

Raises BlockUnavailable, BlockTooLarge, StoreFull, StoreFailed or Busy. It is called once for each
request that waits, also for the same id at the same time; cancelling a call ends that wait only.
"""


class Hasher(Protocol):
    """A running hash."""

    def update(self, data: bytes, /) -> None:
        """Add `data`."""

    def hexdigest(self) -> str:
        """Return the hash of all data so far in lowercase hex."""


class StoredBlock(Protocol):
    """A block that is held."""

    @property
    def block_id(self) -> str:
        """The id."""

    @property
    def size(self) -> int:
        """Bytes."""


class HeldBlock(StoredBlock, Protocol):
    """A block that is held and was verified, with the file to read it from."""

    @property
    def path(self) -> Path:
        """A file of exactly `size` bytes that never changes; it may be deleted at any time."""


class BlockStore(Protocol):
    """The blocks of this node."""

    async def put(
        self,
        chunks: AsyncIterable[bytes],
        *,
        expected_id: str | None = None,
        size_hint: int | None = None,
    ) -> tuple[StoredBlock, bool]:
        """Store what `chunks` gives, durable on return; True if it was not held before.

        Leaves nothing behind when it fails, when `chunks` raises, or when it is cancelled.
        Raises EmptyBlock, BlockTooLarge, HashMismatch, StoreFull, StoreFailed.
        """

    async def get(self, block_id: str) -> HeldBlock | None:
        """Return the block, or None if it is not held."""

    async def delete(self, block_id: str) -> bool:
        """Remove the block; False if it was not held."""

    async def list_blocks(self, after: str | None, limit: int) -> Sequence[StoredBlock]:
        """Return at most `limit` blocks with ids above `after`, ascending by id."""
