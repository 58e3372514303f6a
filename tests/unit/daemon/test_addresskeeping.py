"""The address table of a running node, over restarts."""

import asyncio
from pathlib import Path

import pytest

from edgenode.core.errors import StoreFull
from edgenode.daemon.finding.addresskeeping import AddressKeeping
from edgenode.store.addresses import AddressTable, Anchor
from edgenode.store.state import State

NODE = bytes(range(32))
ANCHORS = [Anchor(f"8.8.{number}.8", 4242, NODE.hex()) for number in range(3)]


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def places(keeping: AddressKeeping) -> set[tuple[str, bool]]:
    return {(entry.host, entry.tried) for entry in keeping.book}


async def test_what_is_known_at_the_stop_is_known_at_the_start(tmp_path: Path) -> None:
    state = await State.open(tmp_path / "state.db")
    clock = Clock()
    first = AddressKeeping(AddressTable(state.database), clock)
    await first.open()
    assert (len(first.book), first.anchors) == (0, [])
    clock.now_s += 77.5
    first.book.add("8.8.8.8", 4242, "9.9.9.9", first.now_s())
    first.book.good("8.7.6.5", 4242, NODE, first.now_s())
    first.keep_anchors(ANCHORS)
    assert first.now_s() == 78
    await first.close()

    clock.now_s = 5.0  # another start of the machine
    again = AddressKeeping(AddressTable(state.database), clock)
    await again.open()
    assert places(again) == {("8.8.8.8", False), ("8.7.6.5", True)}
    assert again.anchors == ANCHORS[:2]
    assert again.now_s() == 78
    clock.now_s += 10
    assert again.now_s() == 88
    # The same key: the same places are the same buckets.
    assert again._keyed_hash(b"a") == first._keyed_hash(b"a") != b""
    await state.close()


async def test_it_is_written_seldom_and_anchors_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await State.open(tmp_path / "state.db")
    table = AddressTable(state.database)
    keeping = AddressKeeping(table)
    await keeping.open()
    written: list[str] = []

    async def save(*_: object) -> None:
        written.append("book")

    async def save_anchors(*_: object) -> None:
        written.append("anchors")

    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            keeping.keep_anchors(ANCHORS)
        if len(waits) == 30:
            raise asyncio.CancelledError

    monkeypatch.setattr(table, "save", save)
    monkeypatch.setattr(table, "save_anchors", save_anchors)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    keeping.book.add("8.8.8.8", 4242, "9.9.9.9", 5)
    with pytest.raises(asyncio.CancelledError):
        await keeping.run()
    assert written == ["anchors", "book"]
    assert set(waits) == {300.0}
    await keeping.close()
    assert written == ["anchors", "book"]
    await state.close()


async def test_a_full_disk_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = await State.open(tmp_path / "state.db")
    table = AddressTable(state.database)
    keeping = AddressKeeping(table)
    await keeping.open()
    keeping.book.add("8.8.8.8", 4242, "9.9.9.9", 5)
    keeping.keep_anchors(ANCHORS)

    async def full(*_: object) -> None:
        raise StoreFull

    with monkeypatch.context() as patch:
        patch.setattr(table, "save", full)
        patch.setattr(table, "save_anchors", full)
        await keeping.close()
    await keeping.close()
    kept = await table.load(bytes(16))
    assert [entry.host for entry, _ in kept.entries] == ["8.8.8.8"]
    assert kept.anchors == ANCHORS[:2]
    await state.close()
