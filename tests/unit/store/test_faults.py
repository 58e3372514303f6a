"""A disk that fails: clear errors, nothing half done, nothing acknowledged that is not durable."""

import errno
import os
import stat
from pathlib import Path

import pytest

from edgenode.core.errors import StoreFailed, StoreFull
from tests.unit.store.helpers import (
    Recorder,
    block_id_of,
    claimed,
    content,
    files_below,
    held,
    open_store,
    pieces,
    put,
)


class Fault:
    """Fails `os.<name>` for files, for folders, or for both, while it is armed."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, name: str, code: int, *, folders: bool | None
    ) -> None:
        self.armed = True
        self.calls = 0
        original = getattr(os, name)

        def failing(fd: int, *args: object) -> object:
            is_folder = stat.S_ISDIR(os.fstat(fd).st_mode)
            if self.armed and folders in (None, is_folder):
                self.calls += 1
                raise OSError(code, os.strerror(code), "/a/path/of/the/node")
            return original(fd, *args)

        monkeypatch.setattr(os, name, failing)


@pytest.mark.parametrize(
    "fault",
    [
        ("write", False, errno.ENOSPC, StoreFull),
        ("write", False, errno.EDQUOT, StoreFull),
        ("write", False, errno.EIO, StoreFailed),
        ("fsync", False, errno.EIO, StoreFailed),
        ("fsync", False, errno.ENOSPC, StoreFull),
        ("fsync", True, errno.EIO, StoreFailed),
    ],
)
@pytest.mark.parametrize("way", ["put", "partial"])
async def test_a_failed_write_is_an_error_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    fault: tuple[str, bool, int, type[Exception]],
) -> None:
    name, folders, code, error = fault
    store = await open_store(tmp_path)
    kept = await put(store, b"held before")
    before = files_below(tmp_path)
    disk = Fault(monkeypatch, name, code, folders=folders)

    async def store_it() -> None:
        if way == "put":
            await store.put(pieces(b"lost"))
        else:
            partial = await store.partial(block_id_of(b"lost"), 4)
            await partial.write(b"lost")
            await partial.commit()

    with pytest.raises(error) as caught:
        await store_it()
    assert disk.calls == 1  # an error is final: not tried again on the same file
    assert "/a/path" not in str(caught.value)
    assert files_below(tmp_path) == before
    assert (store.count, claimed(store)) == (1, (11, 0))
    assert await content(store, kept) == b"held before"
    disk.armed = False
    await store_it()
    assert store.count == 2


async def test_a_failed_rename_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Path, target: Path) -> Path:
        raise OSError(errno.EROFS, "read-only file system")

    store = await open_store(tmp_path)
    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(StoreFailed):
        await put(store, b"lost")
    assert (files_below(tmp_path), store.count, claimed(store)) == ({}, 0, (0, 0))


async def test_short_writes_and_reads_are_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, pread = os.write, os.pread
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
    monkeypatch.setattr(os, "pread", lambda fd, length, at: pread(fd, min(length, 5), at))
    store = await open_store(tmp_path)
    data = bytes(range(256))
    block = await held(store, await put(store, data))
    assert await store.read(block, 3, 250) == data[3:253]


async def test_a_file_that_cannot_be_read_is_an_error_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unplugged disk must not empty the store."""
    block_id = await put(await open_store(tmp_path), b"unreadable")
    recorder = Recorder()
    store = await open_store(tmp_path, recorder)
    fault = Fault(monkeypatch, "read", errno.EIO, folders=False)
    for _ in range(2):
        with pytest.raises(StoreFailed):
            await store.get(block_id)
    assert (recorder.corrupt, store.count) == ([], 1)
    fault.armed = False
    assert await content(store, block_id) == b"unreadable"


async def test_an_unreadable_block_is_healed_by_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_id = await put(await open_store(tmp_path), b"unreadable")
    store = await open_store(tmp_path)
    fault = Fault(monkeypatch, "read", errno.EIO, folders=False)
    _, new = await store.put(pieces(b"unreadable"))
    fault.armed = False
    assert new
    assert await content(store, block_id) == b"unreadable"
    assert store.count == 1


async def test_a_read_that_fails_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(tmp_path)
    block = await held(store, await put(store, b"some bytes"))
    Fault(monkeypatch, "pread", errno.EIO, folders=False)
    with pytest.raises(StoreFailed) as caught:
        await store.read(block, 0, 4)
    assert "/a/path" not in str(caught.value)


async def test_a_failed_delete_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await open_store(tmp_path)
    block_id = await put(store, b"stays?")
    Fault(monkeypatch, "fsync", errno.EIO, folders=True)
    with pytest.raises(StoreFailed):
        await store.delete(block_id)


async def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "blocks").write_text("a file stands in the way")
    with pytest.raises(StoreFailed):
        await open_store(tmp_path / "blocks")
