"""Blocks that are put: whole, once, durable, or not at all."""

import asyncio
import hashlib
import os
import stat
import threading
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edgenode.core.errors import BlockTooLarge, EmptyBlock, HashMismatch, StoreFailed
from edgenode.store.incoming import BATCH_BYTES, IncomingFile
from edgenode.store.space import Space
from tests.unit.store.helpers import (
    MAX_BLOCK_SIZE,
    block_id_of,
    claimed,
    content,
    files_below,
    open_store,
    pieces,
    put,
)


@pytest.mark.parametrize(
    "size", [1, 511, BATCH_BYTES - 1, BATCH_BYTES, BATCH_BYTES + 1, MAX_BLOCK_SIZE]
)
@pytest.mark.parametrize("piece", [4_000, BATCH_BYTES])
async def test_put_and_read_back(tmp_path: Path, size: int, piece: int) -> None:
    data = os.urandom(size)
    store = await open_store(tmp_path)
    chunks = pieces(*(data[at : at + piece] for at in range(0, size, piece)))
    block, new = await store.put(chunks, expected_id=block_id_of(data), size_hint=size)
    assert (block, new) == ((block_id_of(data), size), True)
    assert await content(store, block.block_id) == data
    assert files_below(tmp_path) == {f"{block.block_id[:2]}/{block.block_id}": size}
    assert (store.count, store.total_bytes, claimed(store)) == (1, size, (size, 0))


async def test_files_and_folders_are_private(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "blocks")
    block_id = await put(store, b"private")
    path = tmp_path / "blocks" / block_id[:2] / block_id
    assert stat.S_IMODE((tmp_path / "blocks").stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    first = await put(store, b"same")
    again, new = await store.put(pieces(b"sa", b"", b"me"))
    assert (again.block_id, new) == (first, False)
    assert len(files_below(tmp_path)) == 1
    assert (store.count, store.total_bytes, claimed(store)) == (1, 4, (4, 0))


async def test_the_same_bytes_at_once_are_kept_once(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    done = await asyncio.gather(*(store.put(pieces(b"same")) for _ in range(8)))
    assert sum(new for _, new in done) == 1
    assert len(files_below(tmp_path)) == 1
    assert (store.count, claimed(store)) == (1, (4, 0))


async def test_a_damaged_block_is_replaced_by_the_same_bytes_put_anew(tmp_path: Path) -> None:
    block_id = await put(await open_store(tmp_path), b"damaged")
    (tmp_path / block_id[:2] / block_id).write_bytes(b"dAmaged")
    store = await open_store(tmp_path)
    _, new = await store.put(pieces(b"damaged"))
    assert new
    assert await content(store, block_id) == b"damaged"
    assert len(files_below(tmp_path)) == 1
    assert (store.count, store.total_bytes, claimed(store)) == (1, 7, (7, 0))
    assert await store.wanted() == []


async def failing() -> AsyncIterator[bytes]:
    yield b"a" * BATCH_BYTES
    raise ConnectionResetError


@pytest.mark.parametrize(
    ("chunks", "expected_id", "error"),
    [
        ((), None, EmptyBlock),
        ((b"", b""), None, EmptyBlock),
        ((b"other",), block_id_of(b"these"), HashMismatch),
        ((b"x",), "no id", HashMismatch),
        ((b"x" * MAX_BLOCK_SIZE, b"x"), None, BlockTooLarge),
        ((b"x" * (MAX_BLOCK_SIZE + 1),), None, BlockTooLarge),
    ],
)
async def test_a_refused_block_leaves_nothing(
    tmp_path: Path, chunks: tuple[bytes, ...], expected_id: str | None, error: type[Exception]
) -> None:
    store = await open_store(tmp_path)
    with pytest.raises(error):
        await store.put(pieces(*chunks), expected_id=expected_id)
    assert files_below(tmp_path) == {}
    assert (store.count, claimed(store)) == (0, (0, 0))


async def test_a_cut_stream_leaves_nothing(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    with pytest.raises(ConnectionResetError):
        await store.put(failing(), size_hint=MAX_BLOCK_SIZE)
    assert files_below(tmp_path) == {}
    assert claimed(store) == (0, 0)


async def test_an_announced_size_above_the_limit_is_refused_before_a_byte_is_read(
    tmp_path: Path,
) -> None:
    async def never() -> AsyncIterator[bytes]:
        pytest.fail("read")
        yield b""

    store = await open_store(tmp_path)
    with pytest.raises(BlockTooLarge):
        await store.put(never(), size_hint=MAX_BLOCK_SIZE + 1)


async def test_a_hint_that_was_wrong_does_no_harm(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await store.put(pieces(b"short"), size_hint=1000)
    await store.put(pieces(b"longer"), size_hint=1)
    assert claimed(store) == (11, 0)


@pytest.mark.parametrize("step", ["create", "append", "sync"])
async def test_a_put_cancelled_in_its_thread_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The thread goes on after the cancellation: the clean-up waits for it."""
    inside, go_on, files = threading.Event(), threading.Event(), []
    original = getattr(IncomingFile, step)

    def waiting(self: IncomingFile, *args: object) -> None:
        with self.lock:
            files.append(self)
            inside.set()
            assert go_on.wait(10)
            original(self, *args)

    monkeypatch.setattr(IncomingFile, step, waiting)
    store = await open_store(tmp_path)
    task = asyncio.create_task(store.put(pieces(b"a" * BATCH_BYTES)))
    assert await asyncio.to_thread(inside.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    # In the middle of its commit it is stored all the same; before that there is nothing.
    stored = 1 if step == "sync" else 0
    assert (store.count, len(files_below(tmp_path))) == (stored, stored)
    assert claimed(store) == (stored * BATCH_BYTES, 0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(files[0]._fd)


def test_a_file_discarded_before_its_thread_began_is_never_made(tmp_path: Path) -> None:
    """As when a put is cancelled while all threads are busy."""
    space = Space(tmp_path, max_bytes=0, reserve_bytes=0, reclaim=lambda: False)
    file = IncomingFile(tmp_path / "1.tmp", hashlib.sha3_512(), space, lambda left: None)
    file.discard()
    with pytest.raises(StoreFailed, match="interrupted"):
        file.create(10)
    assert list(tmp_path.iterdir()) == []
    assert space.claimed == 0


async def test_memory_is_constant_in_the_size(tmp_path: Path) -> None:
    async def zeros(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(64 * 1024)

    store = await open_store(tmp_path, max_block_size=64 * 1024 * 1024)
    await store.put(zeros(1))
    tracemalloc.start()
    try:
        block, _ = await store.put(zeros(1024))
        held = await (await open_store(tmp_path)).get(block.block_id)  # hashed again
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held is not None
    assert held.size == 64 * 1024 * 1024
    assert peak < 16 * BATCH_BYTES  # a sixteenth of the block


async def test_small_pieces_share_a_hop_to_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    original = IncomingFile.append

    def counting(self: IncomingFile, data: bytes, offset: int) -> None:
        sizes.append(len(data))
        original(self, data, offset)

    monkeypatch.setattr(IncomingFile, "append", counting)
    store = await open_store(tmp_path)
    await store.put(pieces(*[b"x" * 1024] * 600))
    assert sizes == [BATCH_BYTES, BATCH_BYTES, 600 * 1024 - 2 * BATCH_BYTES]


async def test_acknowledged_means_fsync_rename_fsync_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(tmp_path)
    steps = []
    fsync, rename = os.fsync, Path.rename

    def recording_fsync(fd: int) -> None:
        name = Path(f"/proc/self/fd/{fd}").readlink()
        steps.append(("fsync", name.suffix or name.name))
        fsync(fd)

    def recording_rename(self: Path, target: Path) -> Path:
        steps.append(("rename", target.name))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(Path, "rename", recording_rename)
    block_id = await put(store, b"durable")
    assert steps == [("fsync", ".tmp"), ("rename", block_id), ("fsync", block_id[:2])]
    steps.clear()
    await put(store, b"durable")
    assert steps == [("fsync", block_id[:2])]  # the first one may have been killed before its own
