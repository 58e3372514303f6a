"""Telling what of a file is in memory, and having it there."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgenode.api.pagecache import PROBE_BYTES, is_cached, read_in

SIZE = 3 * PROBE_BYTES + 17


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "file"
    path.write_bytes(bytes(SIZE))
    opened = os.open(path, os.O_RDONLY)
    yield opened
    os.close(opened)


@pytest.mark.parametrize(
    "missing", [0, PROBE_BYTES, 3 * PROBE_BYTES, SIZE - 1], ids=["first", "next", "last", "end"]
)
def test_one_stretch_that_is_not_in_memory_is_enough(
    fd: int, missing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def preadv(_fd: int, _buffers: object, offset: int, flags: int) -> int:
        assert flags == os.RWF_NOWAIT
        if offset == missing:
            raise BlockingIOError
        return 1

    monkeypatch.setattr(os, "preadv", preadv)
    assert not is_cached(fd, 0, SIZE)


def test_of_the_part_alone_is_asked(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def preadv(_fd: int, _buffers: object, offset: int, _flags: int) -> int:
        asked.append(offset)
        return 1

    monkeypatch.setattr(os, "preadv", preadv)
    assert is_cached(fd, 100, PROBE_BYTES)
    assert asked == [100, 99 + PROBE_BYTES]


def test_a_file_system_that_cannot_tell_counts_as_a_disk(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def preadv(*_: object) -> int:
        raise OSError("cannot")

    monkeypatch.setattr(os, "preadv", preadv)
    assert not is_cached(fd, 0, SIZE)


def test_reading_in_goes_over_the_whole_part_and_ends_with_the_file(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, int]] = []
    really = os.preadv

    def preadv(fd: int, buffers: list[bytearray], offset: int) -> int:
        count = really(fd, buffers, offset)
        read.append((offset, count))
        return count

    monkeypatch.setattr(os, "preadv", preadv)
    read_in(fd, 10, 2 * SIZE)
    assert read[0][0] == 10
    assert sum(count for _, count in read) == SIZE - 10
