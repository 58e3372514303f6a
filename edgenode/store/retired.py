"""The statements by which nodes have retired their keys, as the state database keeps them."""

import sqlite3

from edgenode.store.database import Database


class RetiredTable:
    """Statements as texts of the caller's own, by the retired nodeId; errors as of Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[bytes]:
        """Return the statements in the order in which they came."""

        def read(connection: sqlite3.Connection) -> list[bytes]:
            rows = connection.execute("SELECT statement FROM retired ORDER BY id").fetchall()
            return [bytes(row[0]) for row in rows]

        return await self._database.read(read)

    async def put(self, old_id: str, statement: bytes) -> None:
        """Keep a statement; the first about an id stands. Durable on return."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO retired (node, statement) VALUES (?, ?) ON CONFLICT (node) DO NOTHING",
                (bytes.fromhex(old_id), statement),
            )

        await self._database.write(write, durable=True)

    async def remove(self, old_id: str) -> None:
        """Forget a statement; durable with the next commit."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM retired WHERE node = ?", (bytes.fromhex(old_id),))

        await self._database.write(write, durable=False)
