"""Access counts of blocks, kept over restarts."""

import sqlite3
from collections.abc import Mapping

from edgenode.store.database import Database

# Of about 150 bytes each. A block whose counts were saved before those of so many others is cold.
MAX_HEAT = 100_000


class HeatTable:
    """Access counts in the state database, as bytes of the caller's own; errors as of Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_heat(self, items: Mapping[str, bytes | None]) -> None:
        """Keep the counts of blocks by id, None to forget them; on the disk with what comes next.

        Beyond MAX_HEAT blocks those saved longest ago are forgotten.
        """

        def write(connection: sqlite3.Connection) -> None:
            kept = [
                (bytes.fromhex(key), value) for key, value in items.items() if value is not None
            ]
            gone = [(bytes.fromhex(key),) for key, value in items.items() if value is None]
            connection.executemany("DELETE FROM heat WHERE block = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO heat (block, value) VALUES (?, ?)", kept)
            connection.execute(
                "DELETE FROM heat WHERE id IN"
                " (SELECT id FROM heat ORDER BY id DESC LIMIT -1 OFFSET ?)",
                (MAX_HEAT,),
            )

        await self._database.write(write, durable=False)

    async def load_heat(self, limit: int = MAX_HEAT) -> dict[str, bytes]:
        """Return the counts of the `limit` blocks saved last by id, the latest at the end."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT block, value FROM heat ORDER BY id DESC LIMIT ?", (limit,)
            ).fetchall()
        )
        return {block.hex(): value for block, value in reversed(rows)}
