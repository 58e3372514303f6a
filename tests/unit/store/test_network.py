"""The state database in another network than before: what was signed there is gone."""

import logging
import sqlite3
from pathlib import Path

import pytest

from edgenode.store.database import Database
from edgenode.store.network import enter_network
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from tests.unit.store.record_makers import batch, meta, node, place

OWN = node(1)


async def fill(database: Database) -> None:
    """Say two things of a block, and hear of another one by another node."""
    outbox = Outbox(database)
    await outbox.open()
    said = [meta(1, name="a"), place(1, 5)]
    await outbox.put(said)
    taken = await outbox.take(10)
    await outbox.sent(*batch(1, 1, 0, *said), [key for key, _ in taken])
    await Records(database).add([batch(2, 1, 0, meta(2, name="b"))], durable=True)


async def tables(database: Database) -> dict[str, int]:
    """Count the rows."""

    def read(connection: sqlite3.Connection) -> dict[str, int]:
        names = ("records", "batches", "bodies", "origins", "outbox")
        return {name: len(connection.execute(f"SELECT 1 FROM {name}").fetchall()) for name in names}  # noqa: S608

    return await database.read(read)


async def test_the_same_network_keeps_all(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "state.db")
    await enter_network(database, "home", OWN)
    await fill(database)
    before = await tables(database)
    assert before["records"] == 3
    await enter_network(database, "home", OWN)
    assert await tables(database) == before
    await database.close()


async def test_a_database_of_an_earlier_version_is_of_the_network_it_is_opened_in(
    tmp_path: Path,
) -> None:
    database = await Database.open(tmp_path / "state.db")
    await fill(database)
    before = await tables(database)
    await enter_network(database, "home", OWN)
    assert await tables(database) == before
    await database.close()


async def test_another_network_keeps_what_this_node_has_said_to_be_told_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    database = await Database.open(tmp_path / "state.db")
    await enter_network(database, "home", OWN)
    await fill(database)
    await enter_network(database, "elsewhere", OWN)
    assert "what was told in home is forgotten" in caplog.text
    found = await tables(database)
    assert found == {"records": 0, "batches": 0, "bodies": 0, "origins": 0, "outbox": 1}
    outbox = Outbox(database)
    await outbox.open()
    ((_, update),) = await outbox.take(10)
    wanted = meta(1, name="a")
    assert (update.type, update.block_id, update.data) == (
        *(wanted.type, wanted.block_id, wanted.data),
    )
    await database.close()
