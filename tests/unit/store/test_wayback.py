"""A newer edgenode leaves a copy of the database from before, and an older one goes back to it."""

import sqlite3
from pathlib import Path

import pytest

from edgenode.core.errors import DataFolderError
from edgenode.store import connection
from edgenode.store.migrations import MIGRATIONS
from edgenode.store.records import Records
from edgenode.store.state import State
from tests.unit.store.record_makers import batch, block, heat

NOW = len(MIGRATIONS)
NEWER = (*MIGRATIONS, ("CREATE TABLE later (id INTEGER PRIMARY KEY)",))


async def use(path: Path, seq: int | None = None) -> tuple[int, int]:
    """Open the database as a start does; return the epoch and how many records are there."""
    state = await State.open(path)
    try:
        epoch = await state.next_epoch()
        records = Records(state.database)
        if seq is not None:
            await records.add([batch(1, 1, seq, heat(seq, "HOT"))], durable=True)
        return epoch, sum([len(await records.of_block(block(number))) for number in range(1, 9)])
    finally:
        await state.close()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_up_and_back_and_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.db"
    assert await use(path, 1) == (1, 1)
    assert names(tmp_path) == {"state.db"}

    monkeypatch.setattr(connection, "MIGRATIONS", NEWER)
    assert await use(path, 2) == (2, 2)
    assert names(tmp_path) == {"state.db", f"state.db.v{NOW}"}
    assert (tmp_path / f"state.db.v{NOW}").stat().st_mode & 0o777 == 0o600

    monkeypatch.setattr(connection, "MIGRATIONS", MIGRATIONS)
    assert await use(path) == (3, 1), "the records from before, and no epoch twice"
    assert await use(path, 3) == (4, 2)
    assert names(tmp_path) == {"state.db", f"state.db.v{NOW + 1}"}

    monkeypatch.setattr(connection, "MIGRATIONS", NEWER)
    assert await use(path) == (5, 2), "the newer tables are made anew, from what is there now"
    assert names(tmp_path) == {"state.db", f"state.db.v{NOW}"}


async def test_without_a_copy_the_newer_database_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    monkeypatch.setattr(connection, "MIGRATIONS", NEWER)
    await use(path, 1)
    before = path.read_bytes()
    monkeypatch.setattr(connection, "MIGRATIONS", MIGRATIONS)
    with pytest.raises(DataFolderError, match=r"written by a newer edgenode .* install that one"):
        await State.open(path)
    assert path.read_bytes() == before
    assert names(tmp_path) == {"state.db"}


async def test_where_the_copy_fails_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    await use(path, 1)
    (tmp_path / f"state.db.v{NOW}.new").mkdir()
    monkeypatch.setattr(connection, "MIGRATIONS", NEWER)
    with pytest.raises(DataFolderError):
        await State.open(path)
    reader = sqlite3.connect(path)
    assert reader.execute("PRAGMA user_version").fetchone() == (NOW,)
    reader.close()
