"""A state database, new for each test, and the records in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edgenode.store.database import Database
from edgenode.store.records import Records


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "state.db")
    yield database
    await database.close()


@pytest.fixture
async def records(database: Database) -> Records:
    return Records(database)
