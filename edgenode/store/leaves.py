"""The batches below a leaf of an origin's trie."""

import sqlite3


def batches_between(
    connection: sqlite3.Connection, origin: str, first: bytes, last: bytes
) -> list[tuple[int, int, bytes]]:
    """Return epoch, seq and digest of an origin's batches, by digest, `first` and `last` included.

    Reads no more of the index than it returns.
    """
    return connection.execute(
        "SELECT epoch, seq, digest FROM batches INDEXED BY batch_digests"
        " WHERE origin = (SELECT id FROM origins WHERE node = ?) AND digest BETWEEN ? AND ?"
        " ORDER BY digest",
        (bytes.fromhex(origin), first, last),
    ).fetchall()
