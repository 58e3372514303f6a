"""The node's small durable state in SQLite.

One connection, used from one thread: SQLite up to 3.51.2 can lose a WAL reset between two. It is
locked against other processes, which also keeps the WAL index in memory and not in a mapped file.
"""

import asyncio
import contextlib
import os
import sqlite3
from binascii import crc32
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from edgenode.core.errors import (
    DataFolderError,
    DataFolderInUse,
    EdgenodeError,
    StoreFailed,
    StoreFull,
)
from edgenode.store.files import PRIVATE_FILE, fsync_folder

T = TypeVar("T")

BUSY_TIMEOUT_S = 1.0  # someone looks at the database with another program, or has just done so

# Entry n, a list of statements, leads from user_version n to n + 1. What was released is never
# changed. SQLite has no checksum of its own outside of the WAL, so each value has one.
MIGRATIONS = (
    (
        "CREATE TABLE named_values"
        " (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, crc32 INTEGER NOT NULL)",
        "INSERT INTO named_values VALUES ('epoch', '0', 2009393926)",
    ),
)

_PRIMARY_CODE = 0xFF  # an extended result code has the primary one in its low byte
_DISK_CODES = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
_BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_COMPANIONS = ("", "-wal", "-shm", "-journal")


class State:
    """The database `path`. Made by `open`; every call runs in the database's own thread.

    StoreFull: nothing was changed, and it may be tried again. StoreFailed is final: after a
    failed write the disk may not hold what SQLite believes it does, so all later calls fail, too,
    and the next start finds what is durable. DataFolderError: the database is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")
        self._connection: sqlite3.Connection | None = None
        self._failed: str | None = None
        self._closing = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the database, or make it if there is no such file, and bring it up to date.

        An empty file is damage, never a new database: its epoch would begin anew.
        """
        state = cls(path)
        try:
            await state._in_thread(state._open)
        except BaseException:
            await state.close()
            raise
        return state

    async def next_epoch(self) -> int:
        """Return an epoch above every one returned before; durable on return. The first is 1."""
        return await self._in_thread(lambda: self._use(_next_epoch))

    async def close(self) -> None:
        """Close the database; later calls raise StoreFailed. May be called again."""
        if not self._closing:
            closed = self._in_thread(self._close)
            self._closing = True
            await closed

    def _in_thread(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        if self._closing:
            message = "the state database is closed"
            raise StoreFailed(message)
        return asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _open(self) -> None:
        with _database_errors(self._path):
            if not self._path.exists():
                _make(self._path)
            self._connection = _connect(self._path)
            _migrate(self._connection, _version(self._path, self._connection))
            self._connection.execute("PRAGMA journal_mode = WAL").fetchall()

    def _use(self, call: Callable[[sqlite3.Connection], T]) -> T:
        if self._failed is not None or self._connection is None:
            raise StoreFailed(self._failed or "the state database is not open")
        try:
            with _database_errors(self._path):
                return call(self._connection)
        except (StoreFailed, DataFolderError) as error:
            self._failed = str(error)
            raise

    def _close(self) -> None:
        if self._connection is not None:
            # Commits are durable already; a failing checkpoint is left to the next start.
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._thread.shutdown(wait=False)


def _next_epoch(connection: sqlite3.Connection) -> int:
    with _transaction(connection):
        row = connection.execute(
            "SELECT value, crc32 FROM named_values WHERE name = 'epoch'"
        ).fetchone()
        if row is None or not _is_sound("epoch", *row):
            message = "the epoch is missing or altered"
            raise sqlite3.DatabaseError(message)
        epoch = int(row[0]) + 1
        connection.execute(
            "UPDATE named_values SET value = ?, crc32 = ? WHERE name = 'epoch'",
            (str(epoch), _crc32("epoch", str(epoch))),
        )
    # A WAL that is damaged later is cut there without a word, and the epoch would go back.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return epoch


def _is_sound(name: str, value: object, checksum: object) -> bool:
    return isinstance(value, str) and checksum == _crc32(name, value)


def _crc32(name: str, value: str) -> int:
    return crc32(f"{name}={value}".encode())


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
    except BaseException:
        connection.close()  # or it keeps its lock for as long as anything refers to the error
        raise
    return connection


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number in range(version, len(MIGRATIONS)):
        with _transaction(connection):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")


def _version(path: Path, connection: sqlite3.Connection) -> int:
    """Return the user_version of an existing database; one that this program cannot use raises."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        message = (
            f"{path} was written by a newer edgenode (version {version}, this one knows "
            f"{len(MIGRATIONS)}): install that one again"
        )
        raise DataFolderError(message)
    if version < 1:
        message = "empty"
        raise sqlite3.DatabaseError(message)
    return int(version)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _database_errors(path: Path) -> Iterator[None]:
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
