"""Steps of a fetch in few words, for its tests; runs under MicroPython."""

from edgenode.core.fetch import (
    Commit,
    Discard,
    Effect,
    Ended,
    Fetch,
    Open,
    Send,
    Write,
)

BLOCK_ID = "0f" * 64
A, B, C = "a" * 64, "b" * 64, "c" * 64
WANT = 256 * 1024
CHUNK = 64 * 1024
MAX_SIZE = 10 * WANT


class Ids:
    """Gives 1, 2, 3 …"""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> int:
        self.last += 1
        return self.last


def new_fetch() -> Fetch:
    return Fetch(BLOCK_ID, max_size=MAX_SIZE, new_id=Ids())


def show(effects: "list[Effect]") -> "list[str]":
    """Give each effect as a few words."""
    return [_show(effect) for effect in effects]


def _show(effect: Effect) -> str:
    if isinstance(effect, Send):
        sync = effect.sync
        assert (sync.op, sync.block_id) == ("want", BLOCK_ID)
        if not sync.length:
            return "ask " + effect.peer[0]
        return f"want {effect.peer[0]} #{sync.fetch_id} {sync.offset}+{sync.length}"
    if isinstance(effect, Open):
        return f"open {effect.size}"
    if isinstance(effect, Write):
        return f"write {len(effect.data)}"
    if isinstance(effect, (Commit, Discard)):
        return type(effect).__name__.lower()
    assert isinstance(effect, Ended)
    return "held" if effect.error is None else "failed: " + str(effect.error)


def reading(size: int, peers: "tuple[str, ...]" = (A, B), offset: int = 0) -> Fetch:
    """Give a fetch in which all peers hold the block and the first hands it over."""
    fetch = new_fetch()
    fetch.start(list(peers), 0)
    for peer in peers:
        fetch.on_have(peer, size, 0)
    fetch.on_opened(offset, 0)
    return fetch


def chunk(fetch: Fetch, peer: str, offset: int, size: int, now_ms: int = 0) -> "list[str]":
    return show(fetch.on_chunk(peer, fetch.fetch_id, offset, bytes(size), now_ms))
