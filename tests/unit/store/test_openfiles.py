"""Blocks are found without a thread, for as long as that cannot give anything wrong."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edgenode.store import openfiles
from edgenode.store.blocks import BlockStore
from edgenode.store.openfiles import MAX_SMALL_BYTES, OpenFile, OpenFiles
from tests.unit.store.helpers import Recorder, held, open_store, put

ID = "ab" * 64


def open_file(path: Path, content: bytes) -> OpenFile:
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    status = os.fstat(fd)
    return OpenFile(fd, status.st_size, status.st_mtime_ns)


def read(files: OpenFiles, block_id: str) -> bytes | None:
    file = files.find(block_id)
    return None if file is None else files.read(block_id, file)


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def files() -> Iterator[OpenFiles]:
    made = OpenFiles()
    yield made
    made.close()


def test_what_is_in_the_page_cache_is_read(files: OpenFiles, tmp_path: Path) -> None:
    assert read(files, ID) is None
    files.add(ID, open_file(tmp_path / "a", b"content"))
    assert read(files, ID) == b"content"
    assert read(files, ID) == b"content"


@pytest.mark.parametrize("change", ["removed", "replaced", "longer", "touched"])
def test_a_file_that_changed_is_closed(files: OpenFiles, tmp_path: Path, change: str) -> None:
    path = tmp_path / "a"
    file = open_file(path, b"content")
    files.add(ID, file)
    if change == "removed":
        path.unlink()
    elif change == "replaced":
        (tmp_path / "b").write_bytes(b"another")
        (tmp_path / "b").rename(path)
    elif change == "longer":
        path.write_bytes(b"content and more")
        os.utime(path, ns=(file.mtime_ns, file.mtime_ns))
    else:
        os.utime(path, ns=(1, 1))
    fd = file.fd
    assert files.find(ID) is None
    assert not is_open(fd)
    assert file.duplicate() is None


@pytest.mark.parametrize(
    ("error", "kept"), [(BlockingIOError(), True), (OSError(errno.EOPNOTSUPP, ""), False)]
)
def test_it_never_waits_for_the_disk(
    files: OpenFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: OSError,
    kept: bool,
) -> None:
    file = open_file(tmp_path / "a", b"content")
    files.add(ID, file)

    def preadv(_fd: int, _buffers: object, _offset: int, flags: int) -> int:
        assert flags == os.RWF_NOWAIT
        raise error

    monkeypatch.setattr(os, "preadv", preadv)
    fd = file.fd
    assert read(files, ID) is None
    assert is_open(fd) is kept


def test_open_files_are_bounded(
    files: OpenFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openfiles, "MAX_OPEN", 2)
    made = {name: open_file(tmp_path / name, name.encode()) for name in ("a", "b", "c")}
    descriptors = {name: file.fd for name, file in made.items()}
    files.add("a", made["a"])
    files.add("b", made["b"])
    assert read(files, "a") == b"a"
    files.add("c", made["c"])
    assert read(files, "b") is None  # the one unread for longest went
    assert not is_open(descriptors["b"])
    assert read(files, "a") == b"a"
    files.close()
    assert not any(is_open(fd) for fd in descriptors.values())


def test_a_file_that_was_removed_before_it_came_is_not_kept(
    files: OpenFiles, tmp_path: Path
) -> None:
    file = open_file(tmp_path / "a", b"content")
    fd = file.fd
    (tmp_path / "a").unlink()
    files.add(ID, file)
    assert not is_open(fd)


def test_a_descriptor_of_the_callers_own_outlives_the_file_in_the_table(
    files: OpenFiles, tmp_path: Path
) -> None:
    file = open_file(tmp_path / "a", b"content")
    files.add(ID, file)
    own = file.duplicate()
    assert own is not None
    files.drop(ID)
    try:
        assert os.pread(own, 7, 0) == b"content"
    finally:
        os.close(own)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def store(tmp_path: Path, recorder: Recorder) -> AsyncIterator[BlockStore]:
    opened = await open_store(tmp_path / "blocks", recorder)
    yield opened
    opened.close()


async def test_a_small_block_comes_with_its_bytes_and_the_next_time_without_a_thread(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_id = await put(store, b"content")
    first = await held(store, block_id)
    assert first.data == b"content"

    async def no_thread(*_: object) -> None:
        raise AssertionError("a thread was asked")

    monkeypatch.setattr(asyncio, "to_thread", no_thread)
    assert await store.get(block_id) == first


async def test_a_large_block_comes_with_its_file_and_the_next_time_without_a_thread(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_id = await put(store, bytes(MAX_SMALL_BYTES + 1))
    first = await held(store, block_id)
    assert first.data is None
    assert first.file is not None

    async def no_thread(*_: object) -> None:
        raise AssertionError("a thread was asked")

    monkeypatch.setattr(asyncio, "to_thread", no_thread)
    assert await store.get(block_id) == first


async def test_the_disk_gets_the_space_of_a_block_back_that_was_read(
    store: BlockStore, recorder: Recorder
) -> None:
    deleted = await held(store, await put(store, bytes(MAX_SMALL_BYTES + 1)))
    damaged = await held(store, await put(store, bytes(MAX_SMALL_BYTES + 2)))
    assert await store.delete(deleted.block_id)
    damaged.path.write_bytes(b"x" * damaged.size)
    os.utime(damaged.path, ns=(1, 1))
    assert await store.get(damaged.block_id) is None
    assert recorder.corrupt == [damaged.block_id]
    for block in (deleted, damaged):
        assert block.file is not None
        assert block.file.duplicate() is None


async def test_what_is_deleted_or_damaged_is_not_given_from_an_open_file(
    store: BlockStore, recorder: Recorder
) -> None:
    block_id = await put(store, b"content")
    path = (await held(store, block_id)).path
    path.write_bytes(b"CONTENT")
    os.utime(path, ns=(1, 1))
    assert await store.get(block_id) is None
    assert recorder.corrupt == [block_id]
    assert await put(store, b"content") == block_id
    assert (await held(store, block_id)).data == b"content"
    assert await store.delete(block_id)
    assert await store.get(block_id) is None


async def test_a_caller_who_is_cancelled_leaves_no_file_open_but_the_one_that_is_kept(
    store: BlockStore,
) -> None:
    # One thread, so that what was begun before is done when it has done something else.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    block_id = await put(store, b"content")
    before = open_descriptors()
    for _ in range(5):
        getting = asyncio.create_task(store.get(block_id))
        await asyncio.sleep(0)
        getting.cancel()
        await asyncio.wait([getting])
    await store.get(block_id)
    await asyncio.to_thread(lambda: None)
    for _ in range(3):  # their results come to the loop, and what follows them
        await asyncio.sleep(0)
    assert open_descriptors() <= before + 1
