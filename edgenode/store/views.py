"""What is read of the records' tables."""

import sqlite3
from collections.abc import Sequence

from edgenode.core.ids import is_block_id
from edgenode.store.rows import (
    LOCATION_CODE,
    TYPE_CODES,
    TYPE_NAMES,
    RecordRow,
    block_columns,
    data_of,
    type_of,
)

# Origins shown of one block and type: 1 MiB of metadata. Those known longest come first, so that
# identities made on the spot cannot crowd them out.
MAX_SHOWN = 256
MAX_HOLDERS = 64  # of one block: more than will ever be asked for it

_RECORD = (
    "SELECT r.prefix, r.rest, r.type, o.node, r.epoch, r.seq, r.place, b.timestamp_ms, r.data"
    " FROM records r JOIN origins o ON o.id = r.origin"
    " JOIN batches b ON b.origin = r.origin AND b.epoch = r.epoch AND b.seq = r.seq"
)
_NODE = "SELECT o.node FROM records r JOIN origins o ON o.id = r.origin"
_OF_BLOCK = " WHERE r.prefix = ? AND r.type = ? AND r.rest = ?"


def of_block(connection: sqlite3.Connection, block_id: str) -> list[RecordRow]:
    """Return the records of a block by type, those withdrawn too."""
    if not is_block_id(block_id):
        return []
    prefix, rest = block_columns(block_id)
    rows = []
    for code in TYPE_NAMES:
        rows += connection.execute(
            _RECORD + _OF_BLOCK + " ORDER BY r.origin LIMIT ?",
            (prefix, code, rest, MAX_SHOWN),
        ).fetchall()
    return [_record(row) for row in rows]


def holders(connection: sqlite3.Connection, block_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the origins with a live LOCATION of each block that has any."""
    found = {}
    for block_id in block_ids:
        if not is_block_id(block_id):
            continue
        prefix, rest = block_columns(block_id)
        rows = connection.execute(
            _NODE + _OF_BLOCK + " AND r.data IS NOT NULL ORDER BY r.origin LIMIT ?",
            (prefix, LOCATION_CODE, rest, MAX_HOLDERS),
        ).fetchall()
        if rows:
            found[block_id] = [node.hex() for (node,) in rows]
    return found


def own_record(
    connection: sqlite3.Connection, block_id: str, type_: str, origin: str
) -> RecordRow | None:
    """Return the record of this key, withdrawn or not; None where there is none."""
    prefix, rest = block_columns(block_id)
    row = connection.execute(
        _RECORD + _OF_BLOCK + " AND o.node = ?",
        (prefix, TYPE_CODES[type_], rest, bytes.fromhex(origin)),
    ).fetchone()
    return None if row is None else _record(row)


def own_stands(connection: sqlite3.Connection, block_id: str, type_: str, own_id: str) -> bool:
    """Whether we have a record of this key, with what waits in the outbox, not withdrawn."""
    waiting = connection.execute(
        "SELECT data IS NOT NULL FROM outbox WHERE block = ? AND type = ?",
        (bytes.fromhex(block_id), TYPE_CODES[type_]),
    ).fetchone()
    if waiting is not None:
        return bool(waiting[0])
    record = own_record(connection, block_id, type_, own_id)
    return record is not None and record.data is not None


def live_records(
    connection: sqlite3.Connection, origin: str, after: tuple[int, int, int], limit: int
) -> list[RecordRow]:
    """Return up to `limit` records of an origin that are not withdrawn, by position."""
    rows = connection.execute(
        _RECORD
        + " WHERE o.node = ? AND (r.epoch, r.seq, r.place) > (?, ?, ?) AND r.data IS NOT NULL"
        " ORDER BY r.epoch, r.seq, r.place LIMIT ?",
        (bytes.fromhex(origin), *after, limit),
    ).fetchall()
    return [_record(row) for row in rows]


def digests(connection: sqlite3.Connection, origin: str) -> list[tuple[int, int, bytes]]:
    """Return epoch, seq and digest of all batches of an origin, by position."""
    return connection.execute(
        "SELECT epoch, seq, digest FROM batches"
        " WHERE origin = (SELECT id FROM origins WHERE node = ?) ORDER BY epoch, seq",
        (bytes.fromhex(origin),),
    ).fetchall()


def bytes_of(connection: sqlite3.Connection, origin: str) -> tuple[int, int]:
    """Return the bytes of an origin's batches, and of those that hold a live record."""
    every, live = connection.execute(
        "SELECT sum(size), sum(CASE WHEN EXISTS (SELECT 1 FROM records r WHERE"
        " r.origin = b.origin AND r.epoch = b.epoch AND r.seq = b.seq AND r.data IS NOT NULL)"
        " THEN size END) FROM batches b WHERE origin = (SELECT id FROM origins WHERE node = ?)",
        (bytes.fromhex(origin),),
    ).fetchone()
    return every or 0, live or 0


def totals(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return how many live records, blocks with one, and live LOCATIONs there are."""
    # The index alone tells of all; those withdrawn, which are few, are taken off.
    records, locations, blocks = connection.execute(
        "SELECT count(*), count(CASE WHEN type = ? THEN 1 END), count(DISTINCT prefix)"
        " FROM records INDEXED BY record_keys",
        (LOCATION_CODE,),
    ).fetchone()
    gone_records, gone_locations = connection.execute(
        "SELECT count(*), count(CASE WHEN type = ? THEN 1 END)"
        " FROM records INDEXED BY withdrawn WHERE data IS NULL",
        (LOCATION_CODE,),
    ).fetchone()
    (gone_blocks,) = connection.execute(
        "SELECT count(*) FROM (SELECT DISTINCT prefix AS gone FROM records INDEXED BY withdrawn"
        " WHERE data IS NULL) WHERE NOT EXISTS (SELECT 1 FROM records INDEXED BY record_keys"
        " WHERE prefix = gone AND data IS NOT NULL)"
    ).fetchone()
    return records - gone_records, blocks - gone_blocks, locations - gone_locations


def _record(row: tuple[bytes, bytes, int, bytes, int, int, int, int, str | None]) -> RecordRow:
    prefix, rest, code, node, epoch, seq, place, timestamp_ms, data = row
    return RecordRow(
        (prefix + rest).hex(),
        type_of(code),
        node.hex(),
        epoch,
        seq,
        place,
        timestamp_ms,
        data_of(data),
    )
