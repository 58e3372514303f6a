"""Which pinned blocks are missing, and so wanted."""

import asyncio
from collections.abc import Sequence

from edgenode.daemon.blocks.pinning import Pinning


class Pins:
    """A table of pins in memory."""

    def __init__(self, *pinned: str) -> None:
        self.pinned = set(pinned)
        self.gate: asyncio.Event | None = None

    async def add(self, block_id: str) -> bool:
        """Pin."""
        if self.gate is not None:
            await self.gate.wait()
        self.pinned.add(block_id)
        return True

    async def remove(self, block_id: str) -> bool:
        """Unpin."""
        found = block_id in self.pinned
        self.pinned.discard(block_id)
        return found

    async def has(self, block_id: str) -> bool:
        """Tell whether it is pinned."""
        return block_id in self.pinned

    async def ids(self) -> list[str]:
        """List."""
        return sorted(self.pinned)


class Store:
    """Knows what is held."""

    def __init__(self, *held: str) -> None:
        self.held = set(held)

    async def lacking(self, block_ids: Sequence[str]) -> list[str]:
        """Name what is not held."""
        return [block_id for block_id in block_ids if block_id not in self.held]


def made(pins: Pins, store: Store, woken: list[bool]) -> Pinning:
    """Return the part, on stand-ins."""
    return Pinning(pins, store, lambda: woken.append(True))  # type: ignore[arg-type]


async def test_a_pinned_block_that_is_not_held_is_missing_until_it_is_there() -> None:
    pins, store, woken = Pins("c"), Store("a"), list[bool]()
    pinning = made(pins, store, woken)
    assert await pinning.pin("a")
    assert await pinning.pin("b")
    assert woken == [True, True]
    assert await pinning.missing() == ["b", "c"]
    store.held.add("b")
    assert await pinning.missing() == ["c"]


async def test_what_is_unpinned_is_no_longer_missing() -> None:
    pinning = made(Pins("b"), Store(), [])
    assert await pinning.unpin("b")
    assert await pinning.missing() == []
    assert not await pinning.unpin("b")


async def test_a_pin_whose_caller_is_gone_is_looked_at_too() -> None:
    pins, woken = Pins(), list[bool]()
    pins.gate = asyncio.Event()
    task = asyncio.create_task(made(pins, Store(), woken).pin("b"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert woken == [True]
