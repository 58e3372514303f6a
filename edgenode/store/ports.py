"""What is kept of port mappings over a restart: one small text in the state database."""

import sqlite3
from binascii import crc32

from edgenode.store.database import Database

_NAME = "ports"


class PortTable:
    """A text of the caller's own in the state database; errors as of Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> str | None:
        """Return what was saved last; None if nothing was, or if it was altered since."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT value, crc32 FROM named_values WHERE name = ?", (_NAME,)
            ).fetchone()
        )
        if row is None or not isinstance(row[0], str) or row[1] != _crc32(row[0]):
            return None
        return row[0]

    async def save(self, text: str) -> None:
        """Keep `text` in the place of what was saved before; durable on return."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO named_values (name, value, crc32) VALUES (?, ?, ?)",
                (_NAME, text, _crc32(text)),
            )

        await self._database.write(write, durable=True)


def _crc32(text: str) -> int:
    return crc32(f"{_NAME}={text}".encode())
