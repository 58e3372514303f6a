"""Blocks that the operator has pinned, in the state database."""

import sqlite3

from edgenode.store.database import Database

# Each is looked for at every start, and fetched as long as it is not there: with 64 MiB a block,
# more than any card holds.
MAX_PINS = 4096


class PinTable:
    """Ids of pinned blocks; each change is durable on return. Errors as of Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, block_id: str) -> bool:
        """Pin a block; False where MAX_PINS others are."""

        def write(connection: sqlite3.Connection) -> bool:
            connection.execute(
                "INSERT OR IGNORE INTO pins (block) SELECT ? WHERE (SELECT count(*) FROM pins) < ?",
                (bytes.fromhex(block_id), MAX_PINS),
            )
            return _has(connection, block_id)

        return await self._database.write(write, durable=True)

    async def remove(self, block_id: str) -> bool:
        """Unpin a block; False where it was not pinned."""

        def write(connection: sqlite3.Connection) -> bool:
            key = (bytes.fromhex(block_id),)
            return connection.execute("DELETE FROM pins WHERE block = ?", key).rowcount > 0

        return await self._database.write(write, durable=True)

    async def has(self, block_id: str) -> bool:
        """Tell whether a block is pinned."""
        return await self._database.read(lambda connection: _has(connection, block_id))

    async def ids(self) -> list[str]:
        """Return all pinned blocks, ascending."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT block FROM pins ORDER BY block"
            ).fetchall()
        )
        return [block.hex() for (block,) in rows]


def _has(connection: sqlite3.Connection, block_id: str) -> bool:
    row = connection.execute("SELECT 1 FROM pins WHERE block = ?", (bytes.fromhex(block_id),))
    return row.fetchone() is not None
