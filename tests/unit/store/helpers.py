"""Block stores for the tests, and what they count."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from edgenode.store.blocks import BlockStore, HeldBlock
from edgenode.store.types import Hasher

MAX_BLOCK_SIZE = 1024 * 1024


def block_id_of(data: bytes) -> str:
    return hashlib.sha3_512(data).hexdigest()


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def files_below(root: Path) -> dict[str, int]:
    """Every file with its size, by its path below `root`."""
    return {
        str(path.relative_to(root)): path.stat().st_size
        for path in root.rglob("*")
        if path.is_file()
    }


class Recorder:
    """A hasher factory and a callback that keep count."""

    def __init__(self) -> None:
        self.hashers = 0
        self.corrupt: list[str] = []
        self.held: list[tuple[str, int]] = []
        self.gone: list[str] = []

    def new_hasher(self) -> Hasher:
        self.hashers += 1
        return hashlib.sha3_512()


async def open_store(
    root: Path,
    recorder: Recorder | None = None,
    *,
    max_bytes: int = 0,
    reserve_bytes: int = 0,
    max_block_size: int = MAX_BLOCK_SIZE,
    new_hasher: Callable[[], Hasher] | None = None,
) -> BlockStore:
    recorder = recorder or Recorder()
    store = BlockStore(
        root,
        max_bytes=max_bytes,
        reserve_bytes=reserve_bytes,
        max_block_size=max_block_size,
        new_hasher=new_hasher or recorder.new_hasher,
        on_corrupt=recorder.corrupt.append,
        on_held=lambda block_id, size: recorder.held.append((block_id, size)),
        on_gone=recorder.gone.append,
    )
    await store.open()
    return store


async def put(store: BlockStore, data: bytes) -> str:
    block, _ = await store.put(pieces(data))
    assert block == (block_id_of(data), len(data))
    return block.block_id


async def held(store: BlockStore, block_id: str) -> HeldBlock:
    found = await store.get(block_id)
    assert found is not None
    return found


async def content(store: BlockStore, block_id: str) -> bytes:
    block = await held(store, block_id)
    return await store.read(block, 0, block.size)


def claimed(store: BlockStore) -> tuple[int, int]:
    """Bytes that the store believes to be taken, and those of them still to be written."""
    return store._space._claimed, store._space._unwritten
