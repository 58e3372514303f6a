"""The table of origins: who has records here, and the marks that outlive them."""

import sqlite3
import time
from typing import NamedTuple

from edgenode.core.errors import Busy
from edgenode.store.rows import OriginRow, Position

# About 1 KB each with a head, so 10 MB of disk; the design's largest network is 2,000 nodes.
# Identities cost nothing, so whoever floods the node with them meets a bound.
MAX_ORIGINS = 10_000


class Origin(NamedTuple):
    """What adding a batch needs to know of its origin; `key` stands for it in other tables."""

    key: int
    floor: Position
    newest: Position


def find(connection: sqlite3.Connection, node_id: str) -> Origin | None:
    """Return the origin, None where it was never seen."""
    row = connection.execute(
        "SELECT id, floor_epoch, floor_seq, batch_epoch, batch_seq FROM origins WHERE node = ?",
        (bytes.fromhex(node_id),),
    ).fetchone()
    return None if row is None else Origin(row[0], (row[1], row[2]), (row[3], row[4]))


def find_or_make(connection: sqlite3.Connection, node_id: str) -> Origin:
    """Return the origin, new where it was never seen.

    At MAX_ORIGINS the one dropped longest ago is forgotten; Busy when there is none.
    """
    found = find(connection, node_id)
    if found is not None:
        return found
    (count,) = connection.execute("SELECT count(*) FROM origins").fetchone()
    if count >= MAX_ORIGINS and not _forget_one(connection):
        message = f"{MAX_ORIGINS} origins have records here"
        raise Busy(message)
    key = connection.execute(
        "INSERT INTO origins (node, head_epoch, head_seq, batch_epoch, batch_seq, floor_epoch,"
        " floor_seq, refreshed_ms) VALUES (?, 0, 0, 0, 0, 0, 0, ?)",
        (bytes.fromhex(node_id), int(time.time() * 1000)),
    ).lastrowid
    assert key is not None
    return Origin(key, (0, 0), (0, 0))


def all_origins(connection: sqlite3.Connection) -> list[OriginRow]:
    """Return all origins, those dropped too, in the order in which they were first seen."""
    rows = connection.execute(
        "SELECT node, head, head_epoch, head_seq, batch_epoch, batch_seq, floor_epoch, floor_seq,"
        " refreshed_ms FROM origins ORDER BY id"
    )
    return [OriginRow(row[0].hex(), *row[1:]) for row in rows.fetchall()]


def set_head(
    connection: sqlite3.Connection,
    node_id: str,
    head: bytes,
    position: Position,
    refreshed_ms: int,
) -> bool:
    """Keep a head that is above the highest ever seen; returns whether it was."""
    key = find_or_make(connection, node_id).key
    changed = connection.execute(
        "UPDATE origins SET head = ?, last_head = NULL, head_epoch = ?, head_seq = ?,"
        " refreshed_ms = ? WHERE id = ? AND (?, ?) > (head_epoch, head_seq)",
        (head, *position, refreshed_ms, key, *position),
    )
    return changed.rowcount == 1


def raise_mark(connection: sqlite3.Connection, origin: Origin, position: Position) -> None:
    """Note the position of a batch, if it is the origin's highest so far."""
    if position > origin.newest:
        connection.execute(
            "UPDATE origins SET batch_epoch = ?, batch_seq = ? WHERE id = ?",
            (*position, origin.key),
        )


def raise_floor(connection: sqlite3.Connection, node_id: str, floor: Position) -> list[bytes]:
    """Delete the origin's batches and records below `floor`; returns the batches' digests.

    A floor never goes down.
    """
    origin = find_or_make(connection, node_id)
    if floor <= origin.floor:
        return []
    connection.execute(
        "UPDATE origins SET floor_epoch = ?, floor_seq = ? WHERE id = ?", (*floor, origin.key)
    )
    return _delete_below(connection, origin.key, floor)


def drop(connection: sqlite3.Connection, node_id: str) -> None:
    """Delete the origin's batches and records; its marks stay, and its head as the last one."""
    origin = find(connection, node_id)
    if origin is not None:
        connection.execute(
            "UPDATE origins SET last_head = head, head = NULL WHERE id = ? AND head IS NOT NULL",
            (origin.key,),
        )
        _delete_below(connection, origin.key, (1 << 62, 0))


def last_head(connection: sqlite3.Connection, node_id: str) -> bytes | None:
    """Return the head that an origin had when it was dropped."""
    row = connection.execute(
        "SELECT last_head FROM origins WHERE node = ?", (bytes.fromhex(node_id),)
    ).fetchone()
    return None if row is None else row[0]


def forget(connection: sqlite3.Connection, before_ms: int) -> int:
    """Delete the marks of origins without batches whose last refresh was before; how many."""
    return connection.execute(
        "DELETE FROM origins WHERE refreshed_ms < ?"
        " AND NOT EXISTS (SELECT 1 FROM batches WHERE origin = origins.id)",
        (before_ms,),
    ).rowcount


def _delete_below(connection: sqlite3.Connection, key: int, floor: Position) -> list[bytes]:
    which = (key, *floor)
    dead = connection.execute(
        "SELECT digest, body FROM batches WHERE origin = ? AND (epoch, seq) < (?, ?)", which
    ).fetchall()
    connection.executemany("DELETE FROM bodies WHERE id = ?", [(body,) for _, body in dead])
    connection.execute("DELETE FROM records WHERE origin = ? AND (epoch, seq) < (?, ?)", which)
    connection.execute("DELETE FROM batches WHERE origin = ? AND (epoch, seq) < (?, ?)", which)
    return [digest for digest, _ in dead]


def _forget_one(connection: sqlite3.Connection) -> bool:
    return (
        connection.execute(
            "DELETE FROM origins WHERE id = (SELECT id FROM origins WHERE head IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM batches WHERE origin = origins.id)"
            " ORDER BY refreshed_ms LIMIT 1)"
        ).rowcount
        == 1
    )
