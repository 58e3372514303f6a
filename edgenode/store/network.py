"""Which network the state database is of: what is signed in one counts in no other one."""

import logging
import sqlite3
from binascii import crc32

from edgenode.store.database import Database
from edgenode.store.rows import LOCATION_CODE

_NAME = "network"

# All that names nodes of the network, or is signed in it; what a person has said stays.
_OF_A_NETWORK = (
    *("records", "batches", "bodies", "origins", "conflicts"),
    *("retired", "addresses", "anchors"),
)

log = logging.getLogger(__name__)


async def enter_network(database: Database, network: str, own_id: str) -> None:
    """Make the state that of `network`; to be called before anything of it is read.

    Where it was of another one, what others have told there is dropped, and what this node has said
    of blocks waits to be told anew; that it holds them is found out by looking. Errors as of
    Database; durable on return.
    """

    def enter(connection: sqlite3.Connection) -> str:
        row = connection.execute(
            "SELECT value, crc32 FROM named_values WHERE name = ?", (_NAME,)
        ).fetchone()
        # An altered name is as good as another one: all of it can be told again.
        before = "" if row is None else str(row[0])
        if row is not None and before == network and row[1] == _checksum(network):
            return before
        if row is not None:
            _keep_own(connection, bytes.fromhex(own_id))
            for table in _OF_A_NETWORK:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - one of the names above
        connection.execute(
            "INSERT OR REPLACE INTO named_values VALUES (?, ?, ?)",
            (_NAME, network, _checksum(network)),
        )
        return before

    before = await database.write(enter, durable=True)
    if before not in ("", network):
        log.info("the network is %s now: what was told in %s is forgotten", network, before)


def _keep_own(connection: sqlite3.Connection, own: bytes) -> None:
    rows = connection.execute(
        "SELECT prefix, rest, type, data FROM records JOIN origins ON origins.id = records.origin"
        " WHERE origins.node = ? AND type != ? AND data IS NOT NULL",
        (own, LOCATION_CODE),
    ).fetchall()
    # What waits already is newer.
    connection.executemany(
        "INSERT OR IGNORE INTO outbox (block, type, data) VALUES (?, ?, ?)",
        [(prefix + rest, type_, data) for prefix, rest, type_, data in rows],
    )


def _checksum(network: str) -> int:
    return crc32(f"{_NAME}={network}".encode())
