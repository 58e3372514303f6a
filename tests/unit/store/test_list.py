"""What is held: counted from the files, and listed."""

import asyncio
from pathlib import Path

import pytest

from edgenode.store.blocks import BlockStore
from tests.unit.store.helpers import (
    MAX_BLOCK_SIZE,
    Recorder,
    block_id_of,
    claimed,
    open_store,
    pieces,
    put,
)

BLOCKS = [b"block %d" % number for number in range(300)]  # some folders hold more than one


async def test_pages_give_every_block_once_in_order(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    for data in BLOCKS:
        await put(store, data)
    expected = sorted((block_id_of(data), len(data)) for data in BLOCKS)
    assert await store.list_blocks(None, 1000) == expected
    for limit in (1, 7, 299, 300):
        listed: list[tuple[str, int]] = []
        after = None
        while page := await store.list_blocks(after, limit):
            assert len(page) <= limit
            listed += page
            after = page[-1].block_id
        assert listed == expected


async def test_a_cursor_need_not_be_held(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    block_id = await put(store, b"only one")
    assert await store.list_blocks("0" * 128, 5) == [(block_id, 8)]
    assert await store.list_blocks("f" * 128, 5) == []
    assert await store.list_blocks(block_id, 5) == []
    with pytest.raises(ValueError, match="not a block id"):
        await store.list_blocks("../" * 40, 5)


async def test_a_new_start_counts_the_files_and_nothing_else(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    for data in BLOCKS:
        await put(store, data)
    for data in BLOCKS[:100]:
        await store.delete(block_id_of(data))
    (tmp_path / "00" / "notes.txt").write_text("not a block")
    (tmp_path / "00" / ("1" * 128)).write_text("not its folder")
    (tmp_path / "00" / ("0" * 128)).mkdir()
    again = await open_store(tmp_path)
    size = sum(len(data) for data in BLOCKS[100:])
    assert (store.count, store.total_bytes) == (again.count, again.total_bytes) == (200, size)
    assert len(await again.list_blocks(None, 1000)) == 200


async def test_what_comes_while_the_blocks_are_counted_waits_and_is_counted_once(
    tmp_path: Path,
) -> None:
    before = await open_store(tmp_path)
    for data in BLOCKS[:50]:
        await put(before, data)
    recorder = Recorder()
    store = BlockStore(
        tmp_path,
        max_bytes=0,
        reserve_bytes=0,
        max_block_size=MAX_BLOCK_SIZE,
        new_hasher=recorder.new_hasher,
        on_corrupt=recorder.corrupt.append,
        on_held=lambda block_id, size: recorder.held.append((block_id, size)),
        on_gone=recorder.gone.append,
    )
    puts = [asyncio.create_task(store.put(pieces(data))) for data in BLOCKS[40:60]]
    deletes = [asyncio.create_task(store.delete(block_id_of(data))) for data in BLOCKS[:10]]
    reads = [asyncio.create_task(store.get(block_id_of(data))) for data in BLOCKS[10:40]]
    await asyncio.sleep(0)
    await store.open()
    assert sum(new for _, new in await asyncio.gather(*puts)) == 10
    assert await asyncio.gather(*deletes) == [True] * 10
    assert None not in await asyncio.gather(*reads)
    assert store.count == len(await store.list_blocks(None, 1000)) == 50
    assert store.total_bytes == sum(len(data) for data in BLOCKS[10:60])


@pytest.mark.parametrize("way", ["delete", "get"])
async def test_counts_are_right_though_a_damaged_file_has_another_size(
    tmp_path: Path, way: str
) -> None:
    store = await open_store(tmp_path)
    kept, block_id = await put(store, b"kept"), await put(store, b"damaged")
    (tmp_path / block_id[:2] / block_id).write_bytes(b"much longer than it was")
    if way == "delete":
        assert await store.delete(block_id)
    else:
        assert await store.get(block_id) is None
        assert await store.delete(block_id) is False
    assert await store.list_blocks(None, 9) == [(kept, 4)]
    assert (store.count, store.total_bytes, claimed(store)) == (1, 4, (4, 0))
