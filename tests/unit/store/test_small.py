"""Small blocks are read without a thread, for as long as that cannot give anything wrong."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edgenode.store import small
from edgenode.store.blocks import BlockStore
from edgenode.store.small import MAX_SMALL_BYTES, SmallFile, SmallFiles
from tests.unit.store.helpers import Recorder, held, open_store, put

ID = "ab" * 64


def small_file(path: Path, content: bytes) -> SmallFile:
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    status = os.fstat(fd)
    return SmallFile(fd, status.st_size, status.st_mtime_ns)


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def files() -> Iterator[SmallFiles]:
    made = SmallFiles()
    yield made
    made.close()


def test_what_is_in_the_page_cache_is_read(files: SmallFiles, tmp_path: Path) -> None:
    assert files.read(ID) is None
    files.add(ID, small_file(tmp_path / "a", b"content"))
    assert files.read(ID) == b"content"
    assert files.read(ID) == b"content"


@pytest.mark.parametrize("change", ["removed", "replaced", "longer", "touched"])
def test_a_file_that_changed_is_closed(files: SmallFiles, tmp_path: Path, change: str) -> None:
    path = tmp_path / "a"
    file = small_file(path, b"content")
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
    assert files.read(ID) is None
    assert not is_open(file.fd)


@pytest.mark.parametrize(
    ("error", "kept"), [(BlockingIOError(), True), (OSError(errno.EOPNOTSUPP, ""), False)]
)
def test_it_never_waits_for_the_disk(
    files: SmallFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: OSError,
    kept: bool,
) -> None:
    file = small_file(tmp_path / "a", b"content")
    files.add(ID, file)

    def preadv(_fd: int, _buffers: object, _offset: int, flags: int) -> int:
        assert flags == os.RWF_NOWAIT
        raise error

    monkeypatch.setattr(os, "preadv", preadv)
    assert files.read(ID) is None
    assert is_open(file.fd) is kept


def test_open_files_are_bounded(
    files: SmallFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "MAX_OPEN", 2)
    made = {name: small_file(tmp_path / name, name.encode()) for name in ("a", "b", "c")}
    files.add("a", made["a"])
    files.add("b", made["b"])
    assert files.read("a") == b"a"
    files.add("c", made["c"])
    assert files.read("b") is None  # the one unread for longest went
    assert not is_open(made["b"].fd)
    assert files.read("a") == b"a"
    files.close()
    assert not any(is_open(file.fd) for file in made.values())


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


async def test_a_large_block_comes_without(store: BlockStore) -> None:
    block_id = await put(store, bytes(MAX_SMALL_BYTES + 1))
    assert (await held(store, block_id)).data is None


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
    block_id = await put(store, b"content")
    before = open_descriptors()
    for _ in range(5):
        getting = asyncio.create_task(store.get(block_id))
        await asyncio.sleep(0)
        getting.cancel()
        await asyncio.wait([getting])
    await store.get(block_id)
    assert open_descriptors() <= before + 1
