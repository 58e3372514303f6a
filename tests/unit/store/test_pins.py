"""Pins are kept over restarts, so many at most."""

from pathlib import Path

import pytest

from edgenode.store import pins as pins_module
from edgenode.store.database import Database
from edgenode.store.pins import PinTable
from tests.unit.store.record_makers import block


async def test_pins_outlive_the_process(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "state.db")
    table = PinTable(database)
    assert await table.add(block(2))
    assert await table.add(block(1))
    assert await table.add(block(1))
    assert await table.remove(block(2))
    assert not await table.remove(block(2))
    await database.close()
    database = await Database.open(tmp_path / "state.db")
    assert await PinTable(database).ids() == [block(1)]
    assert await PinTable(database).has(block(1))
    assert not await PinTable(database).has(block(2))
    await database.close()


async def test_beyond_the_bound_none_is_added_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins_module, "MAX_PINS", 2)
    database = await Database.open(tmp_path / "state.db")
    table = PinTable(database)
    assert [await table.add(block(n)) for n in (1, 2, 3, 2)] == [True, True, False, True]
    assert await table.ids() == [block(1), block(2)]
    await database.close()
