"""A database of an earlier version gets the tables that it lacks and keeps what it has."""

import sqlite3
from pathlib import Path

import pytest

from edgenode.store.migrations import MIGRATIONS
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from edgenode.store.state import State
from tests.unit.store.record_makers import batch, block, heat, node


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
async def test_a_database_of_an_earlier_version_is_brought_up_to_date(
    tmp_path: Path, version: int
) -> None:
    connection = sqlite3.connect(tmp_path / "state.db")
    for statements in MIGRATIONS[:version]:
        for statement in statements:
            connection.execute(statement)
    if version > 1:
        connection.execute(
            "INSERT INTO origins (node, head, head_epoch, head_seq, batch_epoch, batch_seq,"
            " floor_epoch, floor_seq, refreshed_ms) VALUES (?, x'7b7d', 5, 6, 0, 0, 0, 0, 7)",
            (bytes.fromhex(node(1)),),
        )
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
    for seq in (1, 2):
        state = await State.open(tmp_path / "state.db")
        assert await state.next_epoch() == seq
        records = Records(state.database)
        if version > 1:
            (origin,) = await records.origins()
            assert (origin.head, origin.head_epoch, origin.head_seq) == (b"{}", 5, 6)
        await records.add([batch(1, 1, seq, heat(seq, "HOT"))], durable=True)
        assert len(await records.of_block(block(1))) == 1
        assert await records.last_head(node(1)) is None
        await Outbox(state.database).withhold(block(seq))
        assert len(await Outbox(state.database).all_withheld("", 9)) == seq
        await state.close()
