"""The address table over restarts: its entries, its secret key, its clock, and the anchors."""

import sqlite3
from binascii import crc32
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from edgenode.core.address import Address, address_key
from edgenode.core.events import MAX_PORT
from edgenode.core.ip import parse_ip
from edgenode.core.pae import PUBLIC_KEY_BYTES
from edgenode.store.database import Database

KEY_BYTES = 16

# Kept at most; a table that somebody has filled does not fill the memory.
MAX_ROWS = 4096

# Peers that are dialled first after a start, before anything that others have told.
MAX_ANCHORS = 2

# 1,000 years: no clock of a node says more.
_MAX_S = 2**35
_MAX_CLOCK_DIGITS = 16
_MAX_SOURCE_BYTES = 8
_KEY_NAME = "address-key"
_CLOCK_NAME = "address-clock"


class Anchor(NamedTuple):
    """A peer that was linked for long; `host` is an IP literal, `port` TCP, `node_id` hex."""

    host: str
    port: int
    node_id: str


class Kept(NamedTuple):
    """What was saved: entries, each with whether it was proved."""

    secret: bytes
    clock_s: int
    entries: list[tuple[Address, bool]]
    anchors: list[Anchor]


class AddressTable:
    """The table in the state database; errors as of Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, new_secret: bytes) -> Kept:
        """Return what was saved; what does not decode is left out.

        Without a secret key, or where it was altered, `new_secret` becomes that, durable on
        return.
        """
        kept = await self._database.read(_load)
        if kept.secret:
            return kept
        await self._database.write(
            lambda connection: _set(connection, _KEY_NAME, new_secret.hex()), durable=True
        )
        return kept._replace(secret=new_secret)

    async def save(self, entries: Iterable[Address], clock_s: int) -> None:
        """Keep `entries` and no others; durable on return. Rows that are the same stay."""
        rows = {entry.key: _row(entry) for entry in entries}

        def write(connection: sqlite3.Connection) -> None:
            there = {row[0]: row for row in connection.execute(_SELECT)}
            gone = [(key,) for key in there if key not in rows]
            changed = [row for key, row in rows.items() if there.get(key) != row]
            connection.executemany("DELETE FROM addresses WHERE key = ?", gone)
            connection.executemany(
                "INSERT OR REPLACE INTO addresses VALUES (?, ?, ?, ?, ?, ?, ?)", changed
            )
            _set(connection, _CLOCK_NAME, str(clock_s))

        await self._database.write(write, durable=True)

    async def save_anchors(self, anchors: Sequence[Anchor]) -> None:
        """Keep the first MAX_ANCHORS of `anchors` and no others; durable on return."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM anchors")
            connection.executemany(
                "INSERT OR REPLACE INTO anchors VALUES (?, ?, ?)",
                [
                    (anchor.host, anchor.port, bytes.fromhex(anchor.node_id))
                    for anchor in anchors[:MAX_ANCHORS]
                ],
            )

        await self._database.write(write, durable=True)


_SELECT = "SELECT key, node, source, tried, heard_s, success_s, failures FROM addresses"

_Row = tuple[bytes, bytes, bytes, int, int, int, int]


def _row(entry: Address) -> _Row:
    return (
        entry.key,
        entry.node_id,
        entry.source,
        int(entry.tried),
        entry.heard_s,
        entry.success_s,
        entry.failures,
    )


def _load(connection: sqlite3.Connection) -> Kept:
    secret = _get(connection, _KEY_NAME)
    clock = _get(connection, _CLOCK_NAME)
    known = len(clock) <= _MAX_CLOCK_DIGITS and clock.isascii() and clock.isdigit()
    clock_s = int(clock) if known else 0
    rows = connection.execute(_SELECT + " LIMIT ?", (MAX_ROWS,))
    entries = [_entry(row, clock_s) for row in rows]
    anchors = connection.execute("SELECT host, port, node FROM anchors LIMIT ?", (MAX_ANCHORS,))
    return Kept(
        _secret(secret),
        min(clock_s, _MAX_S),
        [entry for entry in entries if entry is not None],
        [Anchor(host, port, node.hex()) for host, port, node in anchors if _is_place(host, port)],
    )


def _entry(row: _Row, clock_s: int) -> tuple[Address, bool] | None:
    key, node, source, tried, heard_s, success_s, failures = row
    entry = Address(key, node, source, min(heard_s, clock_s))
    entry.success_s = min(success_s, clock_s)
    entry.failures = failures
    if len(key) not in (6, 18) or address_key(entry.host, entry.port) != key:
        return None
    if len(node) not in (0, PUBLIC_KEY_BYTES) or not 0 < len(source) <= _MAX_SOURCE_BYTES:
        return None
    if min(heard_s, success_s, failures) < 0 or failures > MAX_ROWS:
        return None
    return entry, bool(tried)


def _secret(text: str) -> bytes:
    try:
        return bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else b""
    except ValueError:
        return b""


def _is_place(host: str, port: int) -> bool:
    return parse_ip(host) is not None and 0 < port <= MAX_PORT


def _get(connection: sqlite3.Connection, name: str) -> str:
    row = connection.execute(
        "SELECT value, crc32 FROM named_values WHERE name = ?", (name,)
    ).fetchone()
    if row is None or not isinstance(row[0], str) or row[1] != _crc32(name, row[0]):
        return ""
    return row[0]


def _set(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO named_values (name, value, crc32) VALUES (?, ?, ?)",
        (name, value, _crc32(name, value)),
    )


def _crc32(name: str, value: str) -> int:
    return crc32(f"{name}={value}".encode())
