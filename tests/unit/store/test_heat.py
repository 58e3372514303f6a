"""Access counts are kept over restarts, of a bounded number of blocks."""

from pathlib import Path

import pytest

from edgenode.store import heat as heat_module
from edgenode.store.database import Database
from edgenode.store.heat import HeatTable
from tests.unit.store.record_makers import block


async def test_counts_are_kept_replaced_and_forgotten(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "state.db")
    await HeatTable(database).save_heat({block(1): b"1", block(2): b"2", block(3): b"3"})
    await HeatTable(database).save_heat({block(1): b"new", block(2): None, block(4): None})
    await database.close()
    database = await Database.open(tmp_path / "state.db")
    assert await HeatTable(database).load_heat() == {block(3): b"3", block(1): b"new"}
    await database.close()


async def test_those_saved_longest_ago_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heat_module, "MAX_HEAT", 3)
    database = await Database.open(tmp_path / "state.db")
    table = HeatTable(database)
    await table.save_heat({block(n): b"x" for n in range(3)})
    await table.save_heat({block(0): b"y"})
    await table.save_heat({block(7): b"z", block(8): b"z"})
    assert list(await table.load_heat()) == [block(0), block(7), block(8)]
    await database.close()
