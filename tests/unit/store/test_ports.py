"""What is kept of port mappings."""

import sqlite3
from pathlib import Path

from edgenode.store.ports import PortTable
from edgenode.store.state import State


async def test_it_is_kept_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = await State.open(path)
    table = PortTable(state.database)
    assert await table.load() is None
    await table.save("one")
    await table.save("two")
    await state.close()
    state = await State.open(path)
    assert await PortTable(state.database).load() == "two"
    assert await state.next_epoch() == 1  # beside it
    await state.close()


async def test_what_was_altered_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = await State.open(path)
    await PortTable(state.database).save("one")
    await state.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE named_values SET value = 'two' WHERE name = 'ports'")
    connection.close()
    state = await State.open(path)
    assert await PortTable(state.database).load() is None
    await state.close()
