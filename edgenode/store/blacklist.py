"""The operator's own blacklist, kept over restarts."""

import sqlite3
from typing import NamedTuple

from edgenode.store.database import Database


class KeptEntry(NamedTuple):
    """An address (4 or 16 bytes) or /64 (8 bytes); times by the wall clock, in ms since 1970."""

    key: bytes
    since_ms: int
    until_ms: int | None
    """None: until it is removed."""


class BlacklistTable:
    """The entries in the state database; errors as of Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[KeptEntry]:
        """Return all of them, the oldest first."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT address, since_ms, until_ms FROM blacklist ORDER BY since_ms, address"
            ).fetchall()
        )
        return [KeptEntry(*row) for row in rows]

    async def save(self, entry: KeptEntry) -> None:
        """Keep an entry, in the place of the one with the same key; durable on return."""
        await self._database.write(
            lambda connection: _execute(
                connection, "INSERT OR REPLACE INTO blacklist VALUES (?, ?, ?)", entry
            ),
            durable=True,
        )

    async def delete(self, keys: list[bytes]) -> None:
        """Forget entries; durable on return."""

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM blacklist WHERE address = ?", [(k,) for k in keys])

        await self._database.write(write, durable=True)


def _execute(connection: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> None:
    connection.execute(statement, values)
