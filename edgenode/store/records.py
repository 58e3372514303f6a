"""The records of all origins, and the signed batches that they come from."""

import sqlite3
from collections.abc import Sequence

from edgenode.core.records import Update
from edgenode.store import batches as batch_table
from edgenode.store import conflicts, leaves, origins, views
from edgenode.store.batches import Added
from edgenode.store.database import Database
from edgenode.store.rows import BatchRow, OriginRow, RecordRow

__all__ = ["Added", "BatchRow", "OriginRow", "RecordRow", "Records"]


class Records:
    """Records and batches in the state database; errors as of Database.

    What is added must have been verified. Blocks and origins are named by ids of the right form.

    What is written with `durable=False`, and heads, floors and drops, can be read at once and is
    on the disk with the next durable write of anyone, or with `commit`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def losses(self) -> int:
        """How often writes that had returned were lost before they were durable.

        Digests that are kept elsewhere are read again when this has grown.
        """
        return self._database.losses

    async def add(
        self, batches: Sequence[tuple[BatchRow, Sequence[Update]]], *, durable: bool
    ) -> list[Added]:
        """Add batches with their updates, all or none; returns what came of each.

        A record only replaces one of its key (block, type, origin) from before it in the order of
        (epoch, seq, place in the batch). Busy: too many origins.
        """

        def write(connection: sqlite3.Connection) -> list[Added]:
            return [batch_table.add(connection, batch, updates) for batch, updates in batches]

        return await self._database.write(write, durable=durable)

    async def commit(self) -> None:
        """Make all that was written durable."""
        await self._database.commit()

    async def batch(self, origin: str, epoch: int, seq: int) -> BatchRow | None:
        """Return a batch, None where it is not held."""
        return await self._database.read(
            lambda connection: batch_table.read(connection, origin, (epoch, seq))
        )

    async def highest_batch(self, origin: str) -> BatchRow | None:
        """Return the batch of an origin with the highest (epoch, seq), None where none is held."""
        return await self._database.read(lambda connection: batch_table.highest(connection, origin))

    async def batches(self, origin: str, items: Sequence[tuple[int, int]]) -> list[BatchRow]:
        """Return those batches of an origin that are held, of the given (epoch, seq)."""

        def read(connection: sqlite3.Connection) -> list[BatchRow]:
            found = (batch_table.read(connection, origin, item) for item in items)
            return [batch for batch in found if batch is not None]

        return await self._database.read(read)

    async def digests(self, origin: str) -> list[tuple[int, int, bytes]]:
        """Return (epoch, seq, digest) of all batches of an origin, none below its floor."""
        return await self._database.read(lambda connection: views.digests(connection, origin))

    async def of_block(self, block_id: str) -> list[RecordRow]:
        """Return a block's records, those withdrawn too, of at most `views.MAX_SHOWN` origins."""
        return await self._database.read(lambda connection: views.of_block(connection, block_id))

    async def holders(self, block_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return who says that he holds each block; at most `views.MAX_HOLDERS`, none left out."""
        return await self._database.read(lambda connection: views.holders(connection, block_ids))

    async def own_record(self, block_id: str, type_: str, origin: str) -> RecordRow | None:
        """Return the record of one key, withdrawn or not; None where there is none."""
        return await self._database.read(
            lambda connection: views.own_record(connection, block_id, type_, origin)
        )

    async def standing(self, own_id: str, type_: str, block_ids: Sequence[str]) -> set[str]:
        """Return those of the blocks of which we have a record of this type, not withdrawn.

        An update of ours that waits in the outbox counts before what our batches say.
        """

        def read(connection: sqlite3.Connection) -> set[str]:
            return {
                block_id
                for block_id in block_ids
                if views.own_stands(connection, block_id, type_, own_id)
            }

        return await self._database.read(read)

    async def origins(self) -> list[OriginRow]:
        """Return all origins, also those that were dropped, the one known longest first."""
        return await self._database.read(origins.all_origins)

    async def set_head(
        self, origin: str, head: bytes, epoch: int, seq: int, refreshed_ms: int
    ) -> bool:
        """Keep an origin's head and refresh the origin; False if one as high was seen before.

        `refreshed_ms` is the wall clock, ms since 1970. Busy: too many origins.
        """
        return await self._database.write(
            lambda connection: origins.set_head(
                connection, origin, head, (epoch, seq), refreshed_ms
            ),
            durable=False,
        )

    async def raise_floor(self, origin: str, epoch: int, seq: int) -> list[bytes]:
        """Delete an origin's batches and records below; returns the digests of those batches.

        A node that has said so of itself in a head would contradict it after a crash: it calls
        `commit` first. A floor never goes down.
        """
        return await self._database.write(
            lambda connection: origins.raise_floor(connection, origin, (epoch, seq)),
            durable=False,
        )

    async def drop_origin(self, origin: str) -> None:
        """Delete an origin's batches and records; marks and `last_head` stay until `forget`."""
        await self._database.write(
            lambda connection: origins.drop(connection, origin), durable=False
        )

    async def last_head(self, origin: str) -> bytes | None:
        """Return the head that an origin had when it was dropped, None where there is none."""
        return await self._database.read(lambda connection: origins.last_head(connection, origin))

    async def forget(self, before_ms: int) -> int:
        """Delete origins without batches last refreshed before that wall clock; how many."""
        return await self._database.write(
            lambda connection: origins.forget(connection, before_ms), durable=False
        )

    async def bytes_of(self, origin: str) -> tuple[int, int]:
        """Return the bytes of an origin's batches, and of those that hold a live record.

        Payload and signature are counted. A record that was withdrawn is not live.
        """
        return await self._database.read(lambda connection: views.bytes_of(connection, origin))

    async def live_records(
        self, origin: str, after: tuple[int, int, int], limit: int
    ) -> list[RecordRow]:
        """Return up to `limit` records of an origin that are not withdrawn.

        They come by (epoch, seq, place), the first above `after`; (0, 0, 0) is below all others.
        """
        return await self._database.read(
            lambda connection: views.live_records(connection, origin, after, limit)
        )

    async def totals(self) -> tuple[int, int, int]:
        """Return how many live records, blocks with one, and live LOCATIONs there are.

        Reads the whole index of records: 0.3 s for 10^6 of them on a desktop.
        """
        return await self._database.read(views.totals)

    async def conflicts(self) -> list[tuple[BatchRow, BatchRow]]:
        """Return pairs of batches that one origin signed under one (epoch, seq).

        One pair of an origin, `conflicts.MAX_CONFLICTS` in all, oldest first.
        """
        return await self._database.read(conflicts.read)

    async def batches_between(
        self, origin: str, first: bytes, last: bytes
    ) -> list[tuple[int, int, bytes]]:
        """Return (epoch, seq, digest) of an origin's batches of these digests, both included."""
        return await self._database.read(
            lambda connection: leaves.batches_between(connection, origin, first, last)
        )
