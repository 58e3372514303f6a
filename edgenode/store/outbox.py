"""The node's own updates that no batch holds yet."""

import sqlite3
from collections.abc import Sequence

from edgenode.core.errors import Busy
from edgenode.core.records import LOCATION, METADATA, Update
from edgenode.store import batches, views
from edgenode.store.database import Database
from edgenode.store.rows import (
    LOCATION_CODE,
    TYPE_CODES,
    BatchRow,
    data_of,
    data_text,
    type_of,
)

# 100 full batches: what a node tells in minutes. Of about 200 bytes each, 4 KiB at most.
MAX_PENDING = 10_000

_WITHHELD = "SELECT block FROM withheld WHERE block > ? ORDER BY block LIMIT ?"
_TO_LOCATE = (
    "SELECT block FROM outbox WHERE block > ? AND type = ? AND data IS NOT NULL"
    " ORDER BY block LIMIT ?"
)


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
        waits already takes its place and is never refused. With a LOCATION, its block is withheld
        no more.
        """

        def write(connection: sqlite3.Connection) -> int:
            return _put_told(connection, updates)

        self._count = await self._database.write(write, durable=True)

    async def put_found(self, own_id: str, updates: Sequence[Update]) -> None:
        """Add updates as `put`, but for METADATA of a block where that of `own_id` stands."""

        def write(connection: sqlite3.Connection) -> int:
            return _put_told(
                connection,
                [
                    update
                    for update in updates
                    if update.type != METADATA
                    or not views.own_stands(connection, update.block_id, METADATA, own_id)
                ],
            )

        self._count = await self._database.write(write, durable=True)

    async def withhold(self, block_id: str) -> None:
        """Withdraw the LOCATION of a block that is held, and remember that this is meant so.

        Durable on return; Busy as of `put`.
        """

        def write(connection: sqlite3.Connection) -> int:
            count = _put(connection, [Update(LOCATION, block_id, None)])
            connection.execute(
                "INSERT OR IGNORE INTO withheld (block) VALUES (?)", (bytes.fromhex(block_id),)
            )
            return count

        self._count = await self._database.write(write, durable=True)

    async def withheld(self, block_ids: Sequence[str]) -> set[str]:
        """Return those of the blocks that are withheld."""

        def read(connection: sqlite3.Connection) -> set[str]:
            return {
                block_id
                for block_id in block_ids
                if connection.execute(
                    "SELECT 1 FROM withheld WHERE block = ?", (bytes.fromhex(block_id),)
                ).fetchone()
            }

        return await self._database.read(read)

    async def all_withheld(self, after: str, limit: int) -> list[str]:
        """Return up to `limit` blocks that are withheld, ascending, above `after`; "" is below."""
        return await self._ids(_WITHHELD, bytes.fromhex(after), limit)

    async def forget_withheld(self, block_id: str) -> None:
        """Forget that a block, which went, was withheld; on the disk with what comes next."""
        await self._database.write(
            lambda connection: _forget_withheld(connection, block_id), durable=False
        )

    async def to_locate(self, after: str, limit: int) -> list[str]:
        """Return up to `limit` blocks of which a LOCATION waits, ascending, above `after`.

        Those to be withdrawn are left out; "" is below all ids.
        """
        return await self._ids(_TO_LOCATE, bytes.fromhex(after), LOCATION_CODE, limit)

    async def _ids(self, query: str, *values: bytes | int) -> list[str]:
        rows = await self._database.read(
            lambda connection: connection.execute(query, values).fetchall()
        )
        return [block.hex() for (block,) in rows]

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


def _put_told(connection: sqlite3.Connection, updates: Sequence[Update]) -> int:
    """Do as `_put`; a block with a LOCATION is withheld no more."""
    count = _put(connection, updates)
    for update in updates:
        if update.type == LOCATION:
            _forget_withheld(connection, update.block_id)
    return count


def _put(connection: sqlite3.Connection, updates: Sequence[Update]) -> int:
    """Add updates; return how many wait. Busy: too many would."""
    before = _count(connection)
    _insert(connection, "INSERT OR REPLACE", updates)
    count = _count(connection)
    if count > max(before, MAX_PENDING):
        message = f"{before} updates wait to be sent, at most {MAX_PENDING} may"
        raise Busy(message)
    return count


def _forget_withheld(connection: sqlite3.Connection, block_id: str) -> None:
    connection.execute("DELETE FROM withheld WHERE block = ?", (bytes.fromhex(block_id),))


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
