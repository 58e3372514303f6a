"""Transfers that arrive in pieces and go on after a cut."""

import asyncio
import errno
import os
import threading
import time
from pathlib import Path

import pytest

from edgenode.core.errors import (
    BlockTooLarge,
    Busy,
    EmptyBlock,
    HashMismatch,
    StoreFailed,
    StoreFull,
)
from edgenode.store import transfers
from edgenode.store.incoming import BATCH_BYTES, IncomingFile
from tests.unit.store.helpers import (
    MAX_BLOCK_SIZE,
    block_id_of,
    claimed,
    content,
    files_below,
    open_store,
    put,
)

DATA = os.urandom(3 * BATCH_BYTES + 17)
ID = block_id_of(DATA)


def part(root: Path, block_id: str = ID) -> Path:
    return root / "incoming" / f"{block_id}.part"


@pytest.mark.parametrize("piece", [1_000, 64 * 1024, BATCH_BYTES, len(DATA)])
async def test_a_transfer_in_one_go(tmp_path: Path, piece: int) -> None:
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    assert partial.offset == 0
    while partial.offset < len(DATA):
        await partial.write(DATA[partial.offset : partial.offset + piece])
    assert await store.get(ID) is None
    assert await partial.commit() == (ID, len(DATA))
    assert await content(store, ID) == DATA
    assert files_below(tmp_path) == {f"{ID[:2]}/{ID}": len(DATA)}
    assert (store.count, claimed(store)) == (1, (len(DATA), 0))


@pytest.mark.parametrize("cut", [1, BATCH_BYTES - 1, BATCH_BYTES, len(DATA) - 1, len(DATA)])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_cut_transfer_goes_on_where_it_was(tmp_path: Path, cut: int, restart: bool) -> None:
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    await partial.write(DATA[:cut])
    await partial.close()
    assert claimed(store) == (cut, 0)
    if restart:
        store = await open_store(tmp_path)
        assert (store.count, claimed(store)) == (0, (cut, 0))
    partial = await store.partial(ID, len(DATA))
    assert partial.offset == cut
    assert claimed(store) == (len(DATA), len(DATA) - cut)
    await partial.write(DATA[cut:])
    await partial.commit()
    assert await content(store, ID) == DATA
    assert claimed(store) == (len(DATA), 0)


async def test_pieces_on_the_disk_survive_a_process_that_dies(tmp_path: Path) -> None:
    dead = await open_store(tmp_path)
    partial = await dead.partial(ID, len(DATA))
    await partial.write(DATA[: BATCH_BYTES + 5])  # never closed
    await partial.write(DATA[BATCH_BYTES + 5 : BATCH_BYTES + 9])  # waits for more, lost
    resumed = await (await open_store(tmp_path)).partial(ID, len(DATA))
    assert resumed.offset == BATCH_BYTES + 5
    await resumed.close()
    await partial.discard()


@pytest.mark.parametrize(
    "received",
    [DATA[:-1] + bytes([DATA[-1] ^ 1]), bytes([DATA[0] ^ 128]) + DATA[1:], DATA[:-1], b""],
)
async def test_wrong_bytes_or_too_few_are_discarded(tmp_path: Path, received: bytes) -> None:
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    await partial.write(received)
    with pytest.raises(HashMismatch):
        await partial.commit()
    assert (files_below(tmp_path), store.count, claimed(store)) == ({}, 0, (0, 0))
    partial = await store.partial(ID, len(DATA))
    assert partial.offset == 0
    await partial.discard()


async def test_a_wrong_beginning_is_found_at_the_end_and_discarded(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    await partial.write(b"from a liar")
    await partial.close()
    partial = await store.partial(ID, len(DATA))
    await partial.write(DATA[partial.offset :])
    with pytest.raises(HashMismatch):
        await partial.commit()
    partial = await store.partial(ID, len(DATA))
    assert partial.offset == 0
    await partial.write(DATA)
    await partial.commit()
    assert await content(store, ID) == DATA


async def test_more_than_announced_is_refused_and_not_taken(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    partial = await store.partial(block_id_of(b"12345"), 5)
    await partial.write(b"123")
    with pytest.raises(BlockTooLarge):
        await partial.write(b"456")
    assert partial.offset == 3
    await partial.write(b"45")
    await partial.commit()


async def test_a_longer_rest_than_announced_begins_anew(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    await partial.write(DATA)
    await partial.close()
    partial = await store.partial(ID, 10)
    assert (partial.offset, claimed(store)) == (0, (10, 10))
    await partial.discard()
    assert (files_below(tmp_path), claimed(store)) == ({}, (0, 0))


async def test_one_transfer_of_a_block_at_a_time(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    first = await store.partial(ID, len(DATA))
    with pytest.raises(Busy):
        await store.partial(ID, len(DATA))
    await first.write(b"x")
    await first.close()
    second = await store.partial(ID, len(DATA))
    assert second.offset == 1
    await second.discard()
    await second.discard()  # ends once
    await second.close()
    third = await store.partial(ID, len(DATA))
    assert third.offset == 0
    await third.close()
    assert files_below(tmp_path) == {}  # nothing to resume, nothing kept


async def test_sizes_out_of_range_are_refused(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    for size, error in ((0, EmptyBlock), (-1, EmptyBlock), (MAX_BLOCK_SIZE + 1, BlockTooLarge)):
        with pytest.raises(error):
            await store.partial(ID, size)
    with pytest.raises(ValueError, match="not a block id"):
        await store.partial("../" + ID[3:], 5)


async def test_a_block_that_came_meanwhile_is_kept_once(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    await partial.write(DATA)
    await put(store, DATA)
    assert await partial.commit() == (ID, len(DATA))
    assert (store.count, claimed(store)) == (1, (len(DATA), 0))
    assert len(files_below(tmp_path)) == 1


async def test_no_room_leaves_the_rest_to_be_resumed(tmp_path: Path) -> None:
    store = await open_store(tmp_path, max_bytes=100)
    partial = await store.partial(block_id_of(b"a" * 90), 90)
    await partial.write(b"a" * 40)
    await partial.close()
    block_id = await put(store, b"b" * 20)
    with pytest.raises(StoreFull):
        await store.partial(block_id_of(b"a" * 90), 90)
    await store.delete(block_id)
    partial = await store.partial(block_id_of(b"a" * 90), 90)
    assert partial.offset == 40
    await partial.discard()
    assert claimed(store) == (0, 0)


async def test_transfers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "MAX_PARTIALS", 3)
    store = await open_store(tmp_path)
    ids = [block_id_of(b"%d" % number) for number in range(5)]
    for number, block_id in enumerate(ids):
        partial = await store.partial(block_id, 100)
        await partial.write(b"x" * (number + 1))
        await partial.close()
    assert {path.stem for path in (tmp_path / "incoming").iterdir()} == set(ids[2:])
    assert claimed(store) == (3 + 4 + 5, 0)
    under_way = [await store.partial(block_id, 100) for block_id in ids[:3]]
    with pytest.raises(Busy):
        await store.partial(ids[4], 100)
    assert len(files_below(tmp_path)) == 3
    for partial in under_way:
        await partial.discard()
    assert (files_below(tmp_path), claimed(store)) == ({}, (0, 0))


@pytest.mark.parametrize(("limit", "kept"), [(2, 2), (5, 3)])
async def test_a_start_keeps_the_newest_transfers_and_no_dead_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, kept: int
) -> None:
    monkeypatch.setattr(transfers, "MAX_PARTIALS", limit)
    await open_store(tmp_path)
    now = time.time()
    ids = [block_id_of(b"%d" % number) for number in range(5)]
    ages = [10, 20, 30, transfers.MAX_PARTIAL_AGE_S + 10, 1]
    for block_id, age in zip(ids, ages, strict=True):
        part(tmp_path, block_id).write_bytes(b"" if age == 1 else b"part")
        os.utime(part(tmp_path, block_id), (now - age, now - age))
    (tmp_path / "incoming" / "0123.tmp").write_bytes(b"dead")
    store = await open_store(tmp_path)
    expected = {f"incoming/{block_id}.part": 4 for block_id in ids[:kept]}
    assert (files_below(tmp_path), claimed(store)) == (expected, (4 * kept, 0))


async def test_a_cancelled_write_is_noticed_and_what_is_there_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    append = IncomingFile.append

    def waiting(self: IncomingFile, data: bytes, offset: int) -> None:
        with self.lock:
            inside.set()
            assert go_on.wait(10)
            append(self, data, offset)

    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    await partial.write(DATA[:BATCH_BYTES])
    monkeypatch.setattr(IncomingFile, "append", waiting)
    task = asyncio.create_task(partial.write(DATA[BATCH_BYTES : 2 * BATCH_BYTES]))
    assert await asyncio.to_thread(inside.wait, 10)
    task.cancel()
    closing = asyncio.create_task(partial.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    assert claimed(store)[1] == 0
    partial = await store.partial(ID, len(DATA))
    assert partial.offset == 2 * BATCH_BYTES
    await partial.write(DATA[partial.offset :])
    await partial.commit()
    assert await content(store, ID) == DATA


async def test_a_lost_piece_is_an_error_at_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    with monkeypatch.context() as patch:
        patch.setattr(IncomingFile, "append", lambda self, data, offset: None)
        await partial.write(DATA[:BATCH_BYTES])
    with pytest.raises(StoreFailed, match="interrupted"):
        await partial.write(DATA[BATCH_BYTES : 2 * BATCH_BYTES])
    await partial.close()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_cancelled_commit_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    sync = IncomingFile.sync

    def waiting(self: IncomingFile) -> None:
        inside.set()
        assert go_on.wait(10)
        sync(self)

    monkeypatch.setattr(IncomingFile, "sync", waiting)
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    await partial.write(DATA)
    task = asyncio.create_task(partial.commit())
    if moment == "after":
        assert await asyncio.to_thread(inside.wait, 10)
    task.cancel()
    discarding = asyncio.create_task(partial.discard())
    await asyncio.sleep(0)
    go_on.set()
    await discarding
    held = 1 if moment == "after" else 0
    assert (store.count, len(files_below(tmp_path))) == (held, held)
    assert claimed(store) == (held * len(DATA), 0)
    again = await store.partial(ID, len(DATA))
    assert again.offset == 0
    await again.discard()


async def test_a_piece_written_in_part_is_cut_off_and_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    await partial.write(DATA[:BATCH_BYTES])

    def half(fd: int, data: bytes) -> int:
        write(fd, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(StoreFull):
            await partial.write(DATA[BATCH_BYTES : 2 * BATCH_BYTES])
    await partial.close()
    assert part(tmp_path).stat().st_size == BATCH_BYTES
    assert claimed(store) == (BATCH_BYTES, 0)
    partial = await store.partial(ID, len(DATA))
    await partial.write(DATA[partial.offset :])
    await partial.commit()


async def test_a_rest_that_was_changed_meanwhile_is_counted_as_it_is(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    partial = await store.partial(ID, len(DATA))
    await partial.write(b"x" * 100)
    await partial.close()
    os.truncate(part(tmp_path), 40)
    partial = await store.partial(ID, len(DATA))
    assert partial.offset == 40
    await partial.close()
    assert claimed(store) == (40, 0)
