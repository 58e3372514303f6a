"""Blocks that are read: checked when due, set aside when damaged, wanted again."""

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edgenode.core.errors import StoreFailed
from edgenode.store import quarantine, verified
from edgenode.store.blocks import BlockStore
from tests.unit.store.helpers import (
    Recorder,
    block_id_of,
    claimed,
    content,
    files_below,
    held,
    open_store,
    put,
)


def file_of(root: Path, block_id: str) -> Path:
    return root / block_id[:2] / block_id


async def reopened(root: Path, *blocks: bytes) -> tuple[BlockStore, Recorder]:
    """A store that has just started, with these blocks in it."""
    store = await open_store(root)
    for data in blocks:
        await put(store, data)
    recorder = Recorder()
    return await open_store(root, recorder), recorder


async def test_held_block(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    block_id = await put(store, b"0123456789")
    block = await held(store, block_id)
    path = file_of(tmp_path, block_id)
    assert tuple(block) == (block_id, 10, path, block.file, b"0123456789")
    assert await store.read(block, 2, 3) == b"234"
    assert await store.read(block, 9, 1) == b"9"
    assert await store.read(block, 10, 0) == b""
    for offset, length in ((-1, 1), (0, 11), (10, 1), (0, -1)):
        with pytest.raises(ValueError, match="of a block of 10"):
            await store.read(block, offset, length)


async def test_what_is_not_held_is_none(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    for text in (block_id_of(b"never put"), "", "ab", "../../etc/passwd", "A" * 128):
        assert await store.get(text) is None
        assert not await store.delete(text)


async def test_a_block_is_hashed_at_its_first_read_after_a_start(tmp_path: Path) -> None:
    store, recorder = await reopened(tmp_path, b"checked")
    for _ in range(3):
        assert await content(store, block_id_of(b"checked")) == b"checked"
    assert recorder.hashers == 1


async def test_a_block_just_put_is_not_hashed_again(tmp_path: Path) -> None:
    recorder = Recorder()
    store = await open_store(tmp_path, recorder)
    await held(store, await put(store, b"fresh"))
    assert recorder.hashers == 1  # while it was put


def new_mtime(path: Path) -> None:
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


def new_inode(path: Path) -> None:
    status = path.stat()
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    copy.rename(path)


@pytest.mark.parametrize("change", [new_mtime, new_inode])
async def test_a_changed_file_is_hashed_again_once(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    store, recorder = await reopened(tmp_path, b"checked")
    block_id = block_id_of(b"checked")
    await held(store, block_id)
    change(file_of(tmp_path, block_id))
    await held(store, block_id)
    await held(store, block_id)
    assert recorder.hashers == 2


async def test_a_changed_size_is_noticed_though_the_mtime_is_the_same(tmp_path: Path) -> None:
    store, recorder = await reopened(tmp_path, b"checked")
    block_id = block_id_of(b"checked")
    await held(store, block_id)
    path = file_of(tmp_path, block_id)
    status = path.stat()
    with path.open("ab") as file:
        file.write(b"!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert await store.get(block_id) is None
    assert recorder.corrupt == [block_id]


class Gate:
    """Hashers that wait until they may go on."""

    def __init__(self) -> None:
        self.hashers = 0
        self.inside = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> "Gate.Hasher":
        self.hashers += 1
        return Gate.Hasher(self)

    class Hasher:
        def __init__(self, gate: "Gate") -> None:
            self._gate = gate
            self._hash = hashlib.sha3_512()

        def update(self, data: bytes | bytearray, /) -> None:
            self._gate.inside.set()
            assert self._gate.go_on.wait(10)
            self._hash.update(data)

        def hexdigest(self) -> str:
            return self._hash.hexdigest()


async def test_calls_at_the_same_time_share_one_check_and_the_loop_goes_on(tmp_path: Path) -> None:
    block_id = await put(await open_store(tmp_path), b"shared")
    gate = Gate()
    store = await open_store(tmp_path, new_hasher=gate)
    calls = [asyncio.create_task(store.get(block_id)) for _ in range(40)]
    assert await asyncio.to_thread(gate.inside.wait, 10)
    calls[0].cancel()  # who began the check may go, the others get its result
    assert (await asyncio.wait_for(store.list_blocks(None, 1), 5))[0].size == 6
    gate.go_on.set()
    blocks = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(blocks[0], asyncio.CancelledError)
    assert blocks[1:] == [(block_id, 6, file_of(tmp_path, block_id), None, None)] * 39
    assert gate.hashers == 1


async def test_a_damaged_block_is_set_aside_logged_and_wanted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, recorder = await reopened(tmp_path, b"good", b"bad")
    bad = block_id_of(b"bad")
    file_of(tmp_path, bad).write_bytes(b"bAd")
    with caplog.at_level(logging.WARNING):
        assert await asyncio.gather(*(store.get(bad) for _ in range(5))) == [None] * 5
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert bad in caplog.text
    assert recorder.corrupt == [bad]
    assert await store.wanted() == [bad]
    assert (tmp_path / "quarantine" / bad).read_bytes() == b"bAd"
    assert not file_of(tmp_path, bad).exists()
    assert (store.count, store.total_bytes) == (1, 4)
    assert await content(store, block_id_of(b"good")) == b"good"
    assert await (await open_store(tmp_path)).wanted() == [bad]


@pytest.mark.parametrize("way", ["put", "partial", "delete"])
async def test_a_block_held_again_or_deleted_is_no_longer_wanted(tmp_path: Path, way: str) -> None:
    store, _ = await reopened(tmp_path, b"bad")
    bad = block_id_of(b"bad")
    file_of(tmp_path, bad).write_bytes(b"bAd")
    assert await store.get(bad) is None
    if way == "put":
        await put(store, b"bad")
    elif way == "partial":
        partial = await store.partial(bad, 3)
        await partial.write(b"bad")
        await partial.commit()
    else:
        assert not await store.delete(bad)  # it was not held
    assert await store.wanted() == []
    assert list((tmp_path / "quarantine").iterdir()) == []
    expected = 0 if way == "delete" else 3
    assert (store.total_bytes, claimed(store)) == (expected, (expected, 0))


async def test_evidence_is_bounded_and_every_damaged_block_stays_wanted(tmp_path: Path) -> None:
    blocks = [b"block %d" % number for number in range(quarantine.MAX_EVIDENCE + 3)]
    store, _ = await reopened(tmp_path, *blocks)
    ids = [block_id_of(data) for data in blocks]
    for block_id in ids:
        file_of(tmp_path, block_id).write_bytes(b"damaged!")
        assert await store.get(block_id) is None
    newest = set(ids[-quarantine.MAX_EVIDENCE :])
    for again in (store, await open_store(tmp_path)):
        assert await again.wanted() == sorted(ids)
        sizes = {path.name: path.stat().st_size for path in (tmp_path / "quarantine").iterdir()}
        assert {name for name, size in sizes.items() if size} == newest
        assert claimed(again) == (8 * quarantine.MAX_EVIDENCE, 0)


async def test_a_start_gives_up_evidence_that_a_crash_left_above_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = (b"1", b"2", b"3")
    store, _ = await reopened(tmp_path, *blocks)
    for data in blocks:
        file_of(tmp_path, block_id_of(data)).write_bytes(b"x")
        assert await store.get(block_id_of(data)) is None
    monkeypatch.setattr(quarantine, "MAX_EVIDENCE", 1)
    again = await open_store(tmp_path)
    assert sorted(files_below(tmp_path).values()) == [0, 0, 1]
    assert claimed(again) == (1, 0)
    assert await again.wanted() == sorted(block_id_of(data) for data in blocks)


async def test_wanted_ids_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(quarantine, "MAX_WANTED", 2)
    store, recorder = await reopened(tmp_path, b"1", b"2", b"3")
    for data in (b"1", b"2", b"3"):
        file_of(tmp_path, block_id_of(data)).write_bytes(b"x")
        assert await store.get(block_id_of(data)) is None
    assert len(recorder.corrupt) == 3
    assert set(await store.wanted()) == {block_id_of(b"1"), block_id_of(b"2")}
    assert "more than 2 damaged blocks" in caplog.text
    assert (store.count, claimed(store)) == (0, (2, 0))


async def test_the_table_of_checked_blocks_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified, "MAX_VERIFIED", 2)
    store, recorder = await reopened(tmp_path, b"1", b"2", b"3")
    for data in (b"1", b"2", b"1", b"3", b"1"):  # the third one displaces the longest unused
        await held(store, block_id_of(data))
    assert recorder.hashers == 3
    await held(store, block_id_of(b"2"))
    assert recorder.hashers == 4


async def test_a_block_deleted_while_it_is_read_is_a_clear_error(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    block = await held(store, await put(store, b"deleted"))
    assert await store.read(block, 0, 3) == b"del"
    assert await store.delete(block.block_id)
    with pytest.raises(StoreFailed, match="deleted while it was read"):
        await store.read(block, 3, 4)


async def test_a_block_cut_while_it_is_read_is_a_clear_error(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    block = await held(store, await put(store, b"cut off"))
    os.truncate(block.path, 3)
    with pytest.raises(StoreFailed, match="shorter"):
        await store.read(block, 0, 7)


async def test_a_link_in_the_place_of_a_block_is_not_followed(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "blocks")
    (tmp_path / "outside").write_bytes(b"outside")
    block_id = block_id_of(b"outside")
    file_of(tmp_path / "blocks", block_id).symlink_to(tmp_path / "outside")
    with pytest.raises(StoreFailed):
        await store.get(block_id)
    assert await store.list_blocks(None, 10) == []


async def test_delete(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    block_id = await put(store, b"gone")
    assert await store.delete(block_id)
    assert not await store.delete(block_id)
    assert await store.get(block_id) is None
    assert (files_below(tmp_path), store.count, claimed(store)) == ({}, 0, (0, 0))
