"""Classes from accesses, by a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from edgenode.core.errors import Busy
from edgenode.core.records import Update
from edgenode.daemon.records import heating as module
from edgenode.daemon.records.heating import Heating
from edgenode.daemon.records.publishing import Publisher
from edgenode.store.heat import HeatTable
from edgenode.store.state import State
from tests.integration.support.wait import eventually

BLOCK = "ab" * 64
HOUR_MS = 3600 * 1000


class Told:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.classes: list[object] = []
        self.refuses = False

    async def submit(self, updates: Sequence[Update]) -> None:
        if self.refuses:
            raise Busy("full")
        self.classes += [update.data["class"] if update.data else None for update in updates]


class Warmth:
    def __init__(self, state: State) -> None:
        self.now_ms = 1_000_000
        self.told = Told()
        self.table = HeatTable(state.database)
        self.heating = self.make()

    def make(self) -> Heating:
        return Heating(self.table, cast(Publisher, self.told), lambda: self.now_ms)

    async def until(self, *classes: str) -> None:
        async def told() -> bool:
            return self.told.classes[-len(classes) :] == list(classes)

        await eventually(told, f"{classes} told")


@pytest.fixture
async def warmth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Warmth]:
    monkeypatch.setattr(module, "SWEEP_S", 0.02)
    state = await State.open(tmp_path / "state.db")
    made = Warmth(state)
    running = asyncio.create_task(made.heating.run())
    yield made
    running.cancel()
    await asyncio.wait([running])
    await state.close()


async def test_block_warms_with_its_accesses_and_cools_with_time(warmth: Warmth) -> None:
    warmth.heating.touch(BLOCK)
    await warmth.until("COLD")
    for _ in range(100):
        warmth.heating.touch(BLOCK)
    await warmth.until("HOT")
    for _ in range(900):
        warmth.heating.touch(BLOCK)
    await warmth.until("VIRAL")
    warmth.now_ms += 90 * 60 * 1000  # those of the hour are gone, not those of the day
    await warmth.until("VIRAL", "HOT")
    warmth.now_ms += 48 * HOUR_MS
    await warmth.until("HOT", "WARM")
    warmth.now_ms += 430 * 24 * HOUR_MS  # a year of 360 days, and the slot of it that has begun
    await warmth.until("WARM", "FROZEN")


async def test_class_that_is_set_stays_until_it_is_derived_again(warmth: Warmth) -> None:
    assert await warmth.heating.set_classes([(BLOCK, "FROZEN")]) == ["FROZEN"]
    for _ in range(2000):
        warmth.heating.touch(BLOCK)
    await asyncio.sleep(0.1)
    assert warmth.told.classes == ["FROZEN"]
    assert await warmth.heating.set_classes([(BLOCK, None)]) == ["VIRAL"]
    assert warmth.heating.accesses(BLOCK) == (2000, 0)


async def test_what_the_publisher_refuses_is_told_later(warmth: Warmth) -> None:
    warmth.told.refuses = True
    warmth.heating.touch(BLOCK)
    await asyncio.sleep(0.1)
    assert warmth.told.classes == []
    warmth.told.refuses = False
    await warmth.until("COLD")


async def test_refused_class_is_not_in_force(warmth: Warmth) -> None:
    warmth.told.refuses = True
    with pytest.raises(Busy):
        await warmth.heating.set_classes([(BLOCK, "HOT")])
    warmth.told.refuses = False
    warmth.heating.touch(BLOCK)
    await warmth.until("COLD")


async def test_counts_and_classes_outlive_a_restart(warmth: Warmth) -> None:
    for _ in range(60):
        warmth.heating.touch(BLOCK)
    await warmth.until("WARM")
    await warmth.heating.set_classes([("cd" * 64, "HOT")])
    await warmth.heating.save()
    warmth.now_ms = 5  # another boot, another clock
    again = warmth.make()
    await again.open()
    assert again.accesses(BLOCK)[0] == 60
    for _ in range(41):
        again.touch(BLOCK)
    assert again._changes == {BLOCK: "HOT"}
    again.touch("cd" * 64)  # set by the operator: still
    assert again._changes == {BLOCK: "HOT"}


async def test_blocks_counted_are_bounded_and_the_one_asked_for_longest_ago_goes(
    warmth: Warmth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BLOCKS", 3)
    blocks = [f"{number:0128x}" for number in range(5)]
    for block in (*blocks[:3], blocks[0]):
        warmth.heating.touch(block)
    await warmth.heating.save()
    for block in blocks[3:]:
        warmth.heating.touch(block)
    counts = [warmth.heating.accesses(block)[0] for block in blocks]
    assert counts == [2, 0, 0, 1, 1]
    assert len(warmth.heating._blocks) == 3


async def test_a_restart_takes_up_no_more_than_the_bound(
    warmth: Warmth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table keeps more than fits into memory."""
    blocks = [f"{number:0128x}" for number in range(5)]
    for block in blocks:
        warmth.heating.touch(block)
        await warmth.heating.save()
    monkeypatch.setattr(module, "MAX_BLOCKS", 3)
    again = warmth.make()
    await again.open()
    assert [again.accesses(block)[0] for block in blocks] == [0, 0, 1, 1, 1]


async def test_a_class_that_is_set_is_forgotten_last(
    warmth: Warmth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BLOCKS", 2)
    await warmth.heating.set_classes([(BLOCK, "FROZEN")])
    for number in range(5):
        warmth.heating.touch(f"{number:0128x}")
    for _ in range(1000):
        warmth.heating.touch(BLOCK)
    await warmth.until("COLD")
    assert warmth.told.classes == ["FROZEN", *["COLD"] * 5]
    await warmth.heating.set_classes([(f"{number:0128x}", "HOT") for number in range(3)])
    assert len(warmth.heating._blocks) == 2


async def test_blocks_are_counted_by_class(warmth: Warmth) -> None:
    await warmth.heating.set_classes([(BLOCK, "HOT"), ("cd" * 64, "HOT"), ("ef" * 64, None)])
    warmth.heating.touch("01" * 64)
    assert warmth.heating.counts() == {
        "VIRAL": 0,
        "HOT": 2,
        "WARM": 0,
        "COOL": 0,
        "COLD": 1,
        "FROZEN": 0,
    }
    assert next(iter(warmth.heating.counts())) == "VIRAL"
