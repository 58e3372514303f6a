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

Arrived = Callable[[str, str], bool]
"""Takes a nonce, and the IP literal that knocks with it; False if nobody there was asked to."""


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


class OpenFile(Protocol):
    """A file that another part keeps open."""

    def duplicate(self) -> int | None:
        """Return a descriptor of the caller's own, to be read by offset; None: it was closed."""


class HeldBlock(StoredBlock, Protocol):
    """A block that is held and was verified, with the file to read it from."""

    @property
    def path(self) -> Path:
        """A file of exactly `size` bytes that never changes; it may be deleted at any time."""

    @property
    def file(self) -> OpenFile | None:
        """The file, where the store had it open."""

    @property
    def data(self) -> bytes | None:
        """The bytes, where the store had them at hand."""


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


class Pins(Protocol):
    """Blocks that the operator wants to be kept. Changes are durable on return; StoreFailed."""

    async def pin(self, block_id: str) -> bool:
        """Pin a block, held or not; False where as many as may be are pinned."""

    async def unpin(self, block_id: str) -> bool:
        """Unpin a block; False where it was not pinned."""

    async def has(self, block_id: str) -> bool:
        """Tell whether a block is pinned."""

    async def ids(self) -> Sequence[str]:
        """Return the pinned blocks, ascending."""

    async def missing(self) -> Sequence[str]:
        """Return those that are not held."""


class Records(Protocol):
    """What this node says and knows of blocks, and of the network.

    Answers are JSON-ready, as the OpenAPI description has them. What is written is durable on
    return. Writes raise Busy when too many are waiting to be sent, DecodeError for one that no
    batch can hold, and StoreFailed.
    """

    async def metadata(self, block_id: str) -> Mapping[str, Any] | None:
        """Return BlockMetadata, or None if neither the block nor a record of it is here."""

    async def set_temperature(self, block_id: str, temperature: str | None) -> Mapping[str, Any]:
        """Set this node's temperature of a block; None: derive it from accesses again.

        Returns `{"blockId", "temperature"}` with what is in force now.
        """

    async def set_location(self, block_id: str, held: bool) -> Mapping[str, Any]:
        """Say, or withdraw, that this node holds a block; returns `{"blockId", "held"}`.

        Raises NotHolder for a block that is not held.
        """

    async def sync_request(self, block_ids: Sequence[str], queue: bool) -> Mapping[str, Any]:
        """Sort blocks, each named once, by where they are.

        Returns `{"available": [blockId], "elsewhere": [{"blockId", "nodeIds"}],
        "unknown": [blockId], "queued"}`; with `queue`, what is elsewhere is fetched later.
        """

    async def sync_metadata(
        self, updates: Sequence[tuple[str, Mapping[str, Any] | None]]
    ) -> Mapping[str, Any]:
        """Set this node's metadata of blocks (None withdraws it); returns `{"accepted"}`.

        All or none of the updates are taken.
        """

    async def sync_temperature(
        self, updates: Sequence[tuple[str, str | None]]
    ) -> Mapping[str, Any]:
        """Do as `set_temperature` does for many blocks, all or none; returns `{"accepted"}`."""

    async def announce(self, address: str, port: int) -> Mapping[str, Any]:
        """Take an address to link with; returns `{"address", "port"}`. Raises Busy."""

    async def disconnect(self, node_id: str) -> bool:
        """End the link with a node; False if there is none."""

    async def health(self) -> Mapping[str, Any]:
        """Return NetworkHealth."""
