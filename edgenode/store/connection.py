"""The one connection to the state database: made, brought up to date, its errors translated.

SQLite up to 3.51.2 can lose a WAL reset between two connections, hence one. It is locked against
other processes, which also keeps the WAL index in memory and not in a mapped file.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from edgenode.core.errors import (
    DataFolderError,
    DataFolderInUse,
    EdgenodeError,
    StoreFailed,
    StoreFull,
)
from edgenode.store.files import PRIVATE_FILE, fsync_folder
from edgenode.store.migrations import MIGRATIONS
from edgenode.store.wayback import go_back, keep_copy, newest_copy

BUSY_TIMEOUT_S = 1.0  # someone looks at the database with another program, or has just done so
# The WAL is folded back at 4 MB; what a large transaction made it grow beyond is given back.
MAX_WAL_LEFT_BYTES = 4 * 1024 * 1024

_PRIMARY_CODE = 0xFF  # an extended result code has the primary one in its low byte
_DISK_CODES = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
_BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_COMPANIONS = ("", "-wal", "-shm", "-journal")

_log = logging.getLogger(__name__)


def open_connection(path: Path) -> sqlite3.Connection:
    """Open the database, or make it if there is no such file, and bring it up to date.

    An empty file is damage, never a new database: its epoch would begin anew. Before its tables
    change a copy is kept, and a database of a newer edgenode gives way to such a copy. Raises what
    `database_errors` gives, and DataFolderError where there is none. Blocking.
    """
    with database_errors(path):
        if not path.exists():
            _make(path)
        connection = _connect(path)
        try:
            version = _version(connection)
            if version > len(MIGRATIONS):
                version = _go_back(path, connection, version)
                connection = _connect(path)
            if version < len(MIGRATIONS):
                keep_copy(connection, path, version)
                _migrate(connection, version)
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except BaseException:
            connection.close()  # or it keeps its lock for as long as anything refers to the error
            raise
    return connection


def _make(path: Path) -> None:
    """Make the database under another name first: a crash leaves none, never half of one."""
    new = path.with_name(f"{path.name}.new")
    for suffix in _COMPANIONS:
        new.with_name(new.name + suffix).unlink(missing_ok=True)
        # The WAL of a database that was moved away must not be played into this one.
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
    connection = _connect(new)
    try:
        _migrate(connection, 0)
    finally:
        connection.close()
    new.rename(path)
    fsync_folder(path.parent)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
    )
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA temp_store = MEMORY")  # savepoints: no files outside data_dir
        connection.execute(f"PRAGMA journal_size_limit = {MAX_WAL_LEFT_BYTES}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number in range(version, len(MIGRATIONS)):
        with transaction(connection):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")


def _version(connection: sqlite3.Connection) -> int:
    """Return the user_version of an existing database."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < 1:
        message = "empty"
        raise sqlite3.DatabaseError(message)
    return int(version)


def _go_back(path: Path, connection: sqlite3.Connection, newer: int) -> int:
    """Close the database of a newer edgenode and put its older copy there; return its version."""
    older = newest_copy(path, len(MIGRATIONS))
    if older is None:
        message = (
            f"{path} was written by a newer edgenode (version {newer}, this one knows "
            f"{len(MIGRATIONS)}), and there is no older copy beside it: install that one again"
        )
        raise DataFolderError(message)
    go_back(connection, path, newer=newer, older=older)
    _log.warning(
        "%s was written by a newer edgenode (version %d): back to the copy of version %d from "
        "before; what other nodes know is fetched from them",
        path,
        newer,
        older,
        extra={"event": "older-copy"},
    )
    return older


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Make all writes within it durable at its end, or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours.

    StoreFull: no room on the disk. StoreFailed: the disk refused. DataFolderInUse: another
    program has the database. DataFolderError: it is damaged, or cannot be made.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # damaged text, even in its messages
        raise _translated(path, error) from error
    except OSError as error:
        message = f"{path} cannot be made: {error.strerror or error}"
        raise DataFolderError(message) from error


def _translated(path: Path, error: Exception) -> EdgenodeError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY_CODE
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(f"{path.name}: {error}")
    if code in _DISK_CODES:
        return StoreFailed(f"{path.name}: {error}")
    if code in _BUSY_CODES:
        return DataFolderInUse(f"{path} is open in another program")
    return DataFolderError(
        f"{path} is damaged ({error}). It holds the node's epoch, which must never go back. Move "
        f"{path.name} and {path.name}-wal away and start again: peers, who know the last epoch, "
        "tell the node. If none does, move node.key away, too: the node starts with a new nodeId"
    )
