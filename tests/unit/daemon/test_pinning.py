"""Which pinned blocks are missing, and so wanted."""

from edgenode.daemon.blocks.pinning import Pinning


class Pins:
    """A table of pins in memory."""

    def __init__(self, *pinned: str) -> None:
        self.pinned = set(pinned)
        self.full = False

    async def add(self, block_id: str) -> bool:
        """Pin."""
        if not self.full:
            self.pinned.add(block_id)
        return not self.full

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

    async def size_of(self, block_id: str) -> int | None:
        """Return a size."""
        return 1 if block_id in self.held else None


def made(pins: Pins, store: Store, wanted: list[str]) -> Pinning:
    """Return the part, on stand-ins."""
    return Pinning(pins, store, wanted.append)  # type: ignore[arg-type]


async def test_a_pinned_block_that_is_not_held_is_wanted_at_once_and_after_a_restart() -> None:
    pins, store, wanted = Pins(), Store("a"), list[str]()
    pinning = made(pins, store, wanted)
    assert await pinning.pin("a")
    assert await pinning.pin("b")
    assert wanted == ["b"]
    assert await pinning.missing() == ["b"]
    again = made(pins, store, wanted)
    assert await again.missing() == ["b"]
    store.held.add("b")
    assert await again.missing() == []


async def test_one_pinned_later_is_missing_too() -> None:
    pinning = made(Pins(), Store(), [])
    assert await pinning.missing() == []
    await pinning.pin("b")
    assert await pinning.missing() == ["b"]


async def test_what_is_unpinned_is_no_longer_wanted() -> None:
    pinning = made(Pins("b"), Store(), [])
    assert await pinning.missing() == ["b"]
    assert await pinning.unpin("b")
    assert await pinning.missing() == []
    assert not await pinning.unpin("b")


async def test_beyond_the_bound_nothing_is_wanted() -> None:
    pins, wanted = Pins(), list[str]()
    pins.full = True
    pinning = made(pins, Store(), wanted)
    assert not await pinning.pin("b")
    assert wanted == []
