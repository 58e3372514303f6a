"""The node's epoch: a counter made durable at each start."""

import sqlite3
from binascii import crc32
from pathlib import Path
from typing import Self

from edgenode.store.connection import transaction
from edgenode.store.database import Database


class State:
    """The epoch in the state database `path`, which `open` opens; errors as of Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the database, or make it if there is no such file, and bring it up to date."""
        return cls(await Database.open(path))

    @property
    def database(self) -> Database:
        """The database, for all else that is kept in it."""
        return self._database

    async def next_epoch(self, above: int = 0) -> int:
        """Return an epoch above `above` and every one returned before; durable on return.

        The first is 1.
        """
        return await self._database.alone(lambda connection: _next_epoch(connection, above))

    async def close(self) -> None:
        """Close the database; later calls raise StoreFailed. May be called again."""
        await self._database.close()


def _next_epoch(connection: sqlite3.Connection, above: int) -> int:
    with transaction(connection):
        row = connection.execute(
            "SELECT value, crc32 FROM named_values WHERE name = 'epoch'"
        ).fetchone()
        if row is None or not _is_sound("epoch", *row):
            message = "the epoch is missing or altered"
            raise sqlite3.DatabaseError(message)
        epoch = max(int(row[0]), above) + 1
        connection.execute(
            "UPDATE named_values SET value = ?, crc32 = ? WHERE name = 'epoch'",
            (str(epoch), _crc32("epoch", str(epoch))),
        )
    # A WAL that is damaged later is cut there without a word, and the epoch would go back.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return epoch


def _is_sound(name: str, value: object, checksum: object) -> bool:
    return isinstance(value, str) and checksum == _crc32(name, value)


def _crc32(name: str, value: str) -> int:
    return crc32(f"{name}={value}".encode())
