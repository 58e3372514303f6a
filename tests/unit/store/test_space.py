"""The quota and the reserve: never overrun, not even by writes at the same time."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edgenode.core.errors import StoreFull
from edgenode.store.incoming import BATCH_BYTES
from tests.unit.store.helpers import (
    Recorder,
    block_id_of,
    claimed,
    content,
    files_below,
    open_store,
    pieces,
    put,
)


async def test_the_quota_is_exact(tmp_path: Path) -> None:
    store = await open_store(tmp_path, max_bytes=100)
    first = await put(store, b"a" * 60)
    await put(store, b"b" * 40)
    with pytest.raises(StoreFull):
        await put(store, b"c")
    assert await store.delete(first)
    await put(store, b"c" * 60)
    assert sum(files_below(tmp_path).values()) == 100


async def test_the_quota_knows_what_was_there_before(tmp_path: Path) -> None:
    await put(await open_store(tmp_path), b"a" * 60)
    store = await open_store(tmp_path, max_bytes=100)
    with pytest.raises(StoreFull):
        await put(store, b"b" * 41)
    await put(store, b"b" * 40)


async def test_a_hint_is_refused_before_a_byte_is_read(tmp_path: Path) -> None:
    async def never() -> AsyncIterator[bytes]:
        pytest.fail("read")
        yield b""

    store = await open_store(tmp_path, max_bytes=100)
    with pytest.raises(StoreFull):
        await store.put(never(), size_hint=101)
    assert (files_below(tmp_path), claimed(store)) == ({}, (0, 0))


@pytest.mark.parametrize("hint", [True, False])
async def test_puts_at_the_same_time_do_not_overrun_together(tmp_path: Path, hint: bool) -> None:
    """Each alone would fit; all are at their last piece when the first one ends."""
    writers, size, quota = 6, 2 * BATCH_BYTES, 7 * BATCH_BYTES
    at_end = asyncio.Barrier(writers)
    largest = 0

    async def slowly(byte: int) -> AsyncIterator[bytes]:
        nonlocal largest
        for _ in range(2):
            yield bytes([byte]) * BATCH_BYTES
        largest = max(largest, sum(files_below(tmp_path).values()))
        await at_end.wait()

    async def one(store_byte: int) -> bool:
        try:
            await store.put(slowly(store_byte), size_hint=size if hint else None)
        except StoreFull:
            await at_end.wait()
            return False
        return True

    store = await open_store(tmp_path, max_bytes=quota)
    stored = sum(await asyncio.gather(*(one(byte) for byte in range(writers))))
    assert stored <= quota // size
    assert store.total_bytes == sum(files_below(tmp_path).values()) == stored * size
    assert BATCH_BYTES < largest <= quota
    assert claimed(store) == (stored * size, 0)
    if hint:
        assert stored == 3  # what is claimed at once is not lost to a race


async def test_the_reserve_stays_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await open_store(tmp_path, reserve_bytes=1_000)
    kept = await put(store, b"kept")
    actual = os.statvfs(tmp_path)
    free_blocks = 1

    def small_disk(path: object) -> os.statvfs_result:
        return os.statvfs_result((1024, 1024, *actual[2:4], free_blocks, *actual[5:]))

    monkeypatch.setattr(os, "statvfs", small_disk)
    await put(store, b"a" * 24)
    with pytest.raises(StoreFull, match="reserve"):
        await put(store, b"b" * 25)
    assert await content(store, kept) == b"kept"
    free_blocks = 2
    await put(store, b"b" * 25)


async def test_claims_not_yet_written_count_against_the_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(tmp_path, reserve_bytes=0)
    actual = os.statvfs(tmp_path)
    small = os.statvfs_result((1, 1, *actual[2:4], 1_000, *actual[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: small)
    first = await store.partial(block_id_of(b"first"), 600)
    with pytest.raises(StoreFull):
        await store.partial(block_id_of(b"second"), 401)
    await first.discard()
    second = await store.partial(block_id_of(b"second"), 401)
    await second.discard()
    assert claimed(store) == (0, 0)


async def test_an_unfinished_transfer_counts_and_gives_way(tmp_path: Path) -> None:
    store = await open_store(tmp_path, max_bytes=100)
    partial = await store.partial(block_id_of(b"a" * 80), 80)
    with pytest.raises(StoreFull):
        await put(store, b"b" * 21)  # all of it is claimed while it is under way
    await partial.write(b"a" * 50)
    await partial.close()
    await put(store, b"c" * 50)
    assert claimed(store) == (100, 0)
    await put(store, b"d")
    assert claimed(store) == (51, 0)
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_what_was_set_aside_counts_and_gives_way_but_stays_wanted(tmp_path: Path) -> None:
    block_id = await put(await open_store(tmp_path), b"a" * 60)
    (tmp_path / block_id[:2] / block_id).write_bytes(b"A" * 60)
    recorder = Recorder()
    store = await open_store(tmp_path, recorder, max_bytes=100)
    assert await store.get(block_id) is None
    assert (store.count, store.total_bytes, claimed(store)) == (0, 0, (60, 0))
    other = await put(store, b"b" * 41)
    assert claimed(store) == (41, 0)
    assert files_below(tmp_path) == {f"quarantine/{block_id}": 0, f"{other[:2]}/{other}": 41}
    assert await store.wanted() == recorder.corrupt == [block_id]


async def test_a_refused_stream_gives_back_what_it_had(tmp_path: Path) -> None:
    store = await open_store(tmp_path, max_bytes=2 * BATCH_BYTES)
    with pytest.raises(StoreFull):
        await store.put(pieces(*[b"a" * BATCH_BYTES] * 3))
    assert (files_below(tmp_path), claimed(store)) == ({}, (0, 0))
    await put(store, b"b" * 2 * BATCH_BYTES)
