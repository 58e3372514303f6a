"""What waits for one fetch while the disk is slow: bounded, and each peer answers for itself."""

import asyncio
from typing import cast

import pytest

from edgenode.core.errors import ProtocolError
from edgenode.core.events import HAVE, BlockSync
from edgenode.core.inbound import Chunk
from edgenode.daemon.blocks.fetching import MAX_CHUNKS, Fetcher
from edgenode.store.blocks import BlockStore

BLOCK_ID = "0f" * 64
HOLDER, STRANGER = "a" * 64, "b" * 64
CHUNK = 64 * 1024
SIZE = 8 * CHUNK


async def nobody(_block_id: str) -> bool:
    return False


class SlowPartial:
    """A file that takes nothing until `ready` is set."""

    size = SIZE

    def __init__(self) -> None:
        self.offset = 0
        self.ready = asyncio.Event()
        self.writing = asyncio.Event()

    async def write(self, data: bytes) -> None:
        self.writing.set()
        await self.ready.wait()
        self.offset += len(data)

    async def commit(self) -> None:
        assert self.offset == SIZE

    async def close(self) -> None:
        pass


class SlowDisk:
    """A store of one `SlowPartial`."""

    def __init__(self) -> None:
        self.file = SlowPartial()

    async def partial(self, _block_id: str, _size: int) -> SlowPartial:
        return self.file


class Transfer:
    """A fetch in which HOLDER has been asked for all bytes and the disk has not taken the first."""

    def __init__(self) -> None:
        self.disk = SlowDisk()
        self.fetch_id = 0
        self.wanted = asyncio.Event()
        self.fetcher = Fetcher(
            cast(BlockStore, self.disk),
            max_block_size=SIZE,
            linked=lambda: [HOLDER, STRANGER],
            send=self.send,
            reach=nobody,
        )

    def send(self, peer: str, sync: BlockSync) -> bool:
        if sync.length:
            assert peer == HOLDER
            self.fetch_id = sync.fetch_id
            self.wanted.set()
        elif peer == HOLDER:
            have = BlockSync(HAVE, BLOCK_ID, sync.fetch_id, size=SIZE)
            asyncio.get_running_loop().call_soon(self.fetcher.on_sync, HOLDER, have)
        return True

    async def start(self) -> "asyncio.Task[None]":
        task = asyncio.create_task(self.fetcher.fetch(BLOCK_ID))
        await self.wanted.wait()
        return task

    def chunk(self, peer: str, offset: int, size: int) -> None:
        self.fetcher.on_chunk(peer, Chunk(self.fetch_id, offset, bytes(size)))


async def test_a_strangers_chunks_take_no_room_from_the_holder() -> None:
    transfer = Transfer()
    task = await transfer.start()
    transfer.chunk(HOLDER, 0, CHUNK)
    await transfer.disk.file.writing.wait()
    for _ in range(64):
        transfer.chunk(STRANGER, 0, CHUNK)
    for offset in range(CHUNK, SIZE, CHUNK):
        transfer.chunk(HOLDER, offset, CHUNK)
    transfer.disk.file.ready.set()
    await task


async def test_a_strangers_answers_take_no_room_from_the_holder() -> None:
    transfer = Transfer()
    task = await transfer.start()
    transfer.chunk(HOLDER, 0, CHUNK)
    await transfer.disk.file.writing.wait()
    have = BlockSync(HAVE, BLOCK_ID, 1, size=SIZE)
    with pytest.raises(ProtocolError, match="more answers"):
        for _ in range(1000):
            transfer.fetcher.on_sync(STRANGER, have)
    transfer.fetcher.on_sync(HOLDER, have)
    for offset in range(CHUNK, SIZE, CHUNK):
        transfer.chunk(HOLDER, offset, CHUNK)
    transfer.disk.file.ready.set()
    await task


async def test_a_flood_of_bytes_is_refused() -> None:
    transfer = Transfer()
    await transfer.start()
    with pytest.raises(ProtocolError, match="more bytes"):
        for offset in range(0, 3 * SIZE, CHUNK):
            transfer.chunk(HOLDER, offset, CHUNK)
    await transfer.fetcher.stop()


async def test_a_flood_of_tiny_chunks_is_refused() -> None:
    transfer = Transfer()
    await transfer.start()
    for offset in range(MAX_CHUNKS):
        transfer.chunk(HOLDER, offset, 1)
    with pytest.raises(ProtocolError, match="more bytes"):
        transfer.chunk(HOLDER, MAX_CHUNKS, 1)
    await transfer.fetcher.stop()


async def test_what_is_handed_over_is_shown() -> None:
    transfer = Transfer()
    task = await transfer.start()
    assert transfer.fetcher.transfers() == [(BLOCK_ID, 0, SIZE)]
    transfer.disk.file.ready.set()
    transfer.chunk(HOLDER, 0, CHUNK)
    async with asyncio.timeout(5):
        while transfer.fetcher.transfers() != [(BLOCK_ID, CHUNK, SIZE)]:  # noqa: ASYNC110
            await asyncio.sleep(0)
    for offset in range(CHUNK, SIZE, CHUNK):
        transfer.chunk(HOLDER, offset, CHUNK)
    await task
    assert transfer.fetcher.transfers() == []
