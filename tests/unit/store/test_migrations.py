"""A database of the first version gets the tables of records and keeps what it has."""

import sqlite3
from pathlib import Path

from edgenode.store.migrations import MIGRATIONS
from edgenode.store.records import Records
from edgenode.store.state import State
from tests.unit.store.record_makers import batch, block, heat


async def test_a_database_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "state.db")
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    for seq in (1, 2):
        state = await State.open(tmp_path / "state.db")
        assert await state.next_epoch() == seq
        records = Records(state.database)
        await records.add([batch(1, 1, seq, heat(seq, "HOT"))], durable=True)
        assert len(await records.of_block(block(1))) == 1
        await state.close()
