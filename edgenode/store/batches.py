"""The tables of batches and of the records in them: how a batch is added and read."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from edgenode.core.batch import decode_batch
from edgenode.core.errors import DecodeError
from edgenode.core.records import Update
from edgenode.store import conflicts, origins
from edgenode.store.rows import TYPE_CODES, BatchRow, Position, block_columns, data_text


class Added(NamedTuple):
    """What came of adding a batch.

    `new` is False for one that is held, is below its origin's floor, or lost against another of
    the same (epoch, seq). `displaced` is the digest of that other one if it lost.
    """

    new: bool
    displaced: bytes | None


def add(
    connection: sqlite3.Connection,
    batch: BatchRow,
    updates: Sequence[Update],
) -> Added:
    """Add a batch and its records, each unless a newer one of its key is held.

    Of two batches of one origin and position that differ, the one with the higher digest counts,
    and both are kept as proof.
    """
    origin = origins.find_or_make(connection, batch.origin)
    position = (batch.epoch, batch.seq)
    if position < origin.floor:
        return Added(False, None)
    held = connection.execute(
        "SELECT digest FROM batches WHERE origin = ? AND epoch = ? AND seq = ?",
        (origin.key, *position),
    ).fetchone()
    displaced = None
    if held is not None:
        if held[0] == batch.digest:
            return Added(False, None)
        other = read(connection, batch.origin, position)
        if other is None:
            message = "a batch has lost its payload"
            raise sqlite3.DatabaseError(message)
        conflicts.note(connection, other, batch)
        if other.digest > batch.digest:
            return Added(False, None)
        _remove(connection, origin.key, position)
        displaced = other.digest
    _insert(connection, origin.key, batch)
    origins.raise_mark(connection, origin, position)
    _put_records(connection, origin.key, position, updates)
    if displaced is not None:
        _restore_older(connection, origin.key, position)
    return Added(True, displaced)


def read(connection: sqlite3.Connection, node_id: str, position: Position) -> BatchRow | None:
    """Return the batch of this origin and position, None where there is none."""
    row = connection.execute(
        "SELECT b.digest, b.timestamp_ms, c.payload, c.signature FROM origins o"
        " JOIN batches b ON b.origin = o.id JOIN bodies c ON c.id = b.body"
        " WHERE o.node = ? AND b.epoch = ? AND b.seq = ?",
        (bytes.fromhex(node_id), *position),
    ).fetchone()
    if row is None:
        return None
    digest, timestamp_ms, payload, signature = row
    return BatchRow(node_id, *position, digest, timestamp_ms, payload.decode(), signature)


def highest(connection: sqlite3.Connection, node_id: str) -> BatchRow | None:
    """Return the origin's batch of the highest position, None where there is none."""
    position = connection.execute(
        "SELECT epoch, seq FROM batches WHERE origin = (SELECT id FROM origins WHERE node = ?)"
        " ORDER BY epoch DESC, seq DESC LIMIT 1",
        (bytes.fromhex(node_id),),
    ).fetchone()
    return None if position is None else read(connection, node_id, position)


def _insert(connection: sqlite3.Connection, key: int, batch: BatchRow) -> None:
    payload = batch.payload.encode()
    body = connection.execute(
        "INSERT INTO bodies (payload, signature) VALUES (?, ?)", (payload, batch.signature)
    ).lastrowid
    size = len(payload) + len(batch.signature)
    connection.execute(
        "INSERT INTO batches (origin, epoch, seq, digest, timestamp_ms, size, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, batch.epoch, batch.seq, batch.digest, batch.timestamp_ms, size, body),
    )


def _put_records(
    connection: sqlite3.Connection, key: int, position: Position, updates: Sequence[Update]
) -> None:
    connection.executemany(
        "INSERT INTO records (origin, epoch, seq, place, type, prefix, rest, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (prefix, type, origin) DO UPDATE SET epoch = excluded.epoch,"
        " seq = excluded.seq, place = excluded.place, rest = excluded.rest, data = excluded.data"
        " WHERE (excluded.epoch, excluded.seq, excluded.place) > (epoch, seq, place)",
        [
            (
                key,
                *position,
                place,
                TYPE_CODES[update.type],
                *block_columns(update.block_id),
                data_text(update.data),
            )
            for place, update in enumerate(updates)
        ],
    )


def _remove(connection: sqlite3.Connection, key: int, position: Position) -> None:
    which = (key, *position)
    connection.execute(
        "DELETE FROM bodies WHERE id ="
        " (SELECT body FROM batches WHERE origin = ? AND epoch = ? AND seq = ?)",
        which,
    )
    _remove_records(connection, key, position)
    connection.execute("DELETE FROM batches WHERE origin = ? AND epoch = ? AND seq = ?", which)


def _remove_records(connection: sqlite3.Connection, key: int, position: Position) -> None:
    connection.execute(
        "DELETE FROM records WHERE origin = ? AND epoch = ? AND seq = ?", (key, *position)
    )


def _restore_older(connection: sqlite3.Connection, key: int, position: Position) -> None:
    """Put back what the batch that was removed had replaced, as if it had never been here."""
    older = connection.execute(
        "SELECT epoch, seq, body FROM batches WHERE origin = ? AND (epoch, seq) < (?, ?)",
        (key, *position),
    ).fetchall()
    for epoch, seq, body in older:
        (payload,) = connection.execute(
            "SELECT payload FROM bodies WHERE id = ?", (body,)
        ).fetchone()
        # A later version may know more of its updates, which then have other places.
        _remove_records(connection, key, (epoch, seq))
        _put_records(connection, key, (epoch, seq), _updates_in(payload))


def _updates_in(payload: bytes) -> Sequence[Update]:
    try:
        return decode_batch(payload.decode()).updates
    except DecodeError as error:  # it was accepted once
        message = f"a batch is altered: {error}"
        raise sqlite3.DatabaseError(message) from error
