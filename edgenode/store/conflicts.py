"""Proof that an origin has signed two different batches under one (epoch, seq)."""

import sqlite3

from edgenode.store.rows import BatchRow

# Origins of which a pair is kept, 66 KiB each at most; the oldest goes. One pair of an origin
# proves it: its key is in two places, or lies.
MAX_CONFLICTS = 32


def note(connection: sqlite3.Connection, one: BatchRow, other: BatchRow) -> None:
    """Keep both batches, unless there is a pair of this origin."""
    connection.execute(
        "INSERT INTO conflicts (node, epoch, seq, digest_1, timestamp_ms_1, payload_1,"
        " signature_1, digest_2, timestamp_ms_2, payload_2, signature_2)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (node) DO NOTHING",
        (bytes.fromhex(one.origin), one.epoch, one.seq, *_columns(one), *_columns(other)),
    )
    connection.execute(
        "DELETE FROM conflicts WHERE id <= (SELECT max(id) FROM conflicts) - ?", (MAX_CONFLICTS,)
    )


def read(connection: sqlite3.Connection) -> list[tuple[BatchRow, BatchRow]]:
    """Return the pairs, oldest first."""
    rows = connection.execute(
        "SELECT node, epoch, seq, digest_1, timestamp_ms_1, payload_1, signature_1,"
        " digest_2, timestamp_ms_2, payload_2, signature_2 FROM conflicts ORDER BY id"
    )
    return [(_batch(row[:3], row[3:7]), _batch(row[:3], row[7:])) for row in rows.fetchall()]


def _columns(batch: BatchRow) -> tuple[bytes, int, bytes, bytes]:
    return batch.digest, batch.timestamp_ms, batch.payload.encode(), batch.signature


def _batch(where: tuple[bytes, int, int], columns: tuple[bytes, int, bytes, bytes]) -> BatchRow:
    digest, timestamp_ms, payload, signature = columns
    node, epoch, seq = where
    return BatchRow(node.hex(), epoch, seq, digest, timestamp_ms, payload.decode(), signature)
