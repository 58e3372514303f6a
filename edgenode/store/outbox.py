"""The node's own updates that no batch holds yet."""

import sqlite3
from collections.abc import Sequence

from edgenode.core.errors import Busy
from edgenode.core.records import Update
from edgenode.store import batches
from edgenode.store.database import Database
from edgenode.store.rows import TYPE_CODES, BatchRow, data_of, data_text, type_of

# 100 full batches: what a node tells in minutes. Of about 200 bytes each, 4 KiB at most.
MAX_PENDING = 10_000


class Outbox:
    """Own updates in the state database, in the order in which they came; errors as of Database.

    Of one (block, type) only the newest update is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._count = 0

    async def open(self) -> None:
        """Count what an earlier run has left; to be called first."""
        self._count = await self._database.read(_count)

    @property
    def count(self) -> int:
        """Updates that wait, those taken too until they are sent, by the last call that ended."""
        return self._count

    async def put(self, updates: Sequence[Update]) -> None:
        """Add updates, all or none; durable on return.

        Busy, and nothing is changed, where more than MAX_PENDING would wait. An update of what
        waits already takes its place and is never refused.
        """

        def write(connection: sqlite3.Connection) -> int:
            before = _count(connection)
            _insert(connection, "INSERT OR REPLACE", updates)
            count = _count(connection)
            if count > max(before, MAX_PENDING):
                message = f"{before} updates wait to be sent, at most {MAX_PENDING} may"
                raise Busy(message)
            return count

        self._count = await self._database.write(write, durable=True)

    async def put_again(self, updates: Sequence[Update]) -> None:
        """Add updates as `put`, but for those of which a newer one waits; durable on return."""

        def write(connection: sqlite3.Connection) -> int:
            _insert(connection, "INSERT OR IGNORE", updates)
            return _count(connection)

        self._count = await self._database.write(write, durable=True)

    async def of_block(self, block_id: str) -> list[Update]:
        """Return the updates of a block that wait."""

        def read(connection: sqlite3.Connection) -> list[Update]:
            rows = connection.execute(
                "SELECT type, data FROM outbox WHERE block = ?", (bytes.fromhex(block_id),)
            ).fetchall()
            return [Update(type_of(code), block_id, data_of(data)) for code, data in rows]

        return await self._database.read(read)

    async def take(self, limit: int) -> list[tuple[int, Update]]:
        """Return the first `limit` updates, each with its id; they stay until `sent`."""

        def read(connection: sqlite3.Connection) -> list[tuple[int, Update]]:
            rows = connection.execute(
                "SELECT id, type, block, data FROM outbox ORDER BY id LIMIT ?", (limit,)
            ).fetchall()
            return [
                (key, Update(type_of(code), block.hex(), data_of(data)))
                for key, code, block, data in rows
            ]

        return await self._database.read(read)

    async def sent(self, batch: BatchRow, updates: Sequence[Update], taken: Sequence[int]) -> None:
        """Add the batch made of `updates`, and remove what was taken for it; durable on return.

        What was put anew in the meantime has another id and stays.
        """

        def write(connection: sqlite3.Connection) -> int:
            batches.add(connection, batch, updates)
            connection.executemany("DELETE FROM outbox WHERE id = ?", [(key,) for key in taken])
            return _count(connection)

        self._count = await self._database.write(write, durable=True)


def _insert(connection: sqlite3.Connection, how: str, updates: Sequence[Update]) -> None:
    connection.executemany(
        how + " INTO outbox (block, type, data) VALUES (?, ?, ?)",
        [
            (bytes.fromhex(update.block_id), TYPE_CODES[update.type], data_text(update.data))
            for update in updates
        ],
    )


def _count(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(count)
