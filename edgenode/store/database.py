"""The state database's one thread: reads in turn, writes in groups that share a commit."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, Self, TypeVar

from edgenode.core.errors import Busy, DataFolderError, StoreFailed
from edgenode.store.connection import database_errors, open_connection

T = TypeVar("T")

# Calls that share one commit. More gain nothing, and the first of them waits for the last.
MAX_GROUP = 128
# Calls that wait for their turn; each has a caller who waits. Beyond it the disk is too slow for
# what is asked of the node, and callers are told so.
MAX_WAITING = 1_024
# Rows that one transaction changes before it is committed, asked for or not: each may
# touch a page of the index of its own, which makes 20 MB of WAL.
MAX_OPEN_CHANGES = 5_000

_log = logging.getLogger(__name__)


class _Write(Generic[T]):
    """One call that waits for its turn, and then what came of it."""

    __slots__ = ("call", "done", "durable", "error", "result")

    def __init__(self, call: Callable[[sqlite3.Connection], T], durable: bool) -> None:
        self.call = call
        self.durable = durable
        self.done = False
        self.error: BaseException | None = None
        self.result: T | None = None


class Database:
    """The database `path`, opened by `open`. Every call runs in its own thread, in order.

    StoreFull: nothing since the last commit is kept, and it may be tried again. StoreFailed is
    final: after a failed write the disk may not hold what SQLite believes it does, so all later
    calls fail, too, and the next start finds what is durable. DataFolderError: it is damaged;
    final, too. Busy: MAX_WAITING writes wait. A call that is cancelled is carried out all the
    same.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")
        self._connection: sqlite3.Connection | None = None
        self._writes: deque[_Write[object]] = deque()
        self._committed_changes = 0
        self._unsaved = False  # earlier calls have returned whose writes are not committed
        self._losses = 0
        self._failed: str | None = None
        self._closing = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the database, or make it if there is no such file, and bring it up to date."""
        database = cls(path)
        try:
            await database._in_thread(database._open)
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def waiting(self) -> int:
        """Writes that wait for their turn."""
        return len(self._writes)

    @property
    def losses(self) -> int:
        """How often writes that had returned, not being durable, were lost to a full disk.

        Whoever keeps in memory what follows from them reads it again when this has grown.
        """
        return self._losses

    async def read(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `call` reads; it sees all that was written, durable or not."""
        return await self._in_thread(lambda: self._use(call))

    async def write(self, call: Callable[[sqlite3.Connection], T], *, durable: bool) -> T:
        """Run `call` as one transaction: an error that it raises leaves nothing of it.

        It is on the disk on return if `durable`; otherwise with the next call that is, with
        `commit`, or after MAX_OPEN_CHANGES.
        """
        if len(self._writes) >= MAX_WAITING:
            message = f"{MAX_WAITING} writes wait for the disk"
            raise Busy(message)
        self._check_open()
        write = _Write(call, durable)
        self._writes.append(write)  # type: ignore[arg-type]
        return await self._in_thread(lambda: self._outcome(write))

    async def commit(self) -> None:
        """Make all that was written durable."""
        await self.write(_nothing, durable=True)

    async def alone(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """Commit what was written, then run `call`, which makes transactions of its own."""
        return await self._in_thread(lambda: self._use(call, self._commit))

    async def close(self) -> None:
        """Commit and close the database; later calls raise StoreFailed. May be called again."""
        if not self._closing:
            closed = self._in_thread(self._close)
            self._closing = True
            await closed

    def _check_open(self) -> None:
        if self._closing:
            message = "the state database is closed"
            raise StoreFailed(message)

    def _in_thread(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        self._check_open()
        # Shielded: a write whose caller has gone would stay in the queue until the next one.
        return asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, call))

    def _open(self) -> None:
        self._connection = open_connection(self._path)

    @contextlib.contextmanager
    def _usable(self) -> Iterator[sqlite3.Connection]:
        if self._failed is not None or self._connection is None:
            raise StoreFailed(self._failed or "the state database is not open")
        try:
            with database_errors(self._path):
                yield self._connection
        except (StoreFailed, DataFolderError) as error:
            self._failed = str(error)
            raise

    def _use(
        self,
        call: Callable[[sqlite3.Connection], T],
        before: Callable[[sqlite3.Connection], None] | None = None,
    ) -> T:
        with self._usable() as connection:
            if before is not None:
                before(connection)
            return call(connection)

    def _outcome(self, write: _Write[T]) -> T:
        """Run the group that `write` is the first of, unless it was in an earlier one."""
        if not write.done:
            try:
                with self._usable() as connection:
                    self._run_group(connection)
            finally:
                if not write.done:  # refused: it must not be left to a later group
                    self._writes.popleft()
        if write.error is not None:
            with database_errors(self._path):
                raise write.error
        return write.result  # type: ignore[return-value]

    def _run_group(self, connection: sqlite3.Connection) -> None:
        group = [self._writes.popleft() for _ in range(min(len(self._writes), MAX_GROUP))]
        try:
            if not connection.in_transaction:
                connection.execute("BEGIN IMMEDIATE")
            for write in group:
                _apply(connection, write)
            changes = connection.total_changes - self._committed_changes
            if any(write.durable for write in group) or changes > MAX_OPEN_CHANGES:
                self._commit(connection)
            else:
                self._unsaved = True
        except BaseException as error:
            self._roll_back(connection)
            for write in group:
                write.error = write.error or error
            raise
        finally:
            for write in group:
                write.done = True

    def _commit(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            try:
                connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise
        self._committed_changes = connection.total_changes
        self._unsaved = False

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        # After some errors SQLite has done so itself; never half of what was written is kept.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        self._losses += self._unsaved
        self._unsaved = False

    def _close(self) -> None:
        if self._connection is not None:
            # What is lost here was not yet durable, and no caller has been told that it is.
            try:
                if self._failed is None:
                    self._commit(self._connection)
            except sqlite3.Error as error:
                _log.warning(
                    "the last records were not saved: %s", error, extra={"event": "disk-refuses"}
                )
            # A failing checkpoint is left to the next start.
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._thread.shutdown(wait=False)


def _apply(connection: sqlite3.Connection, write: _Write[object]) -> None:
    """Run one call; errors of SQLite, after which nothing is certain, are raised."""
    connection.execute("SAVEPOINT one_call")
    try:
        write.result = write.call(connection)
    except sqlite3.Error:
        raise
    except BaseException as error:
        write.error = error
        connection.execute("ROLLBACK TO one_call")
    connection.execute("RELEASE one_call")


def _nothing(_: sqlite3.Connection) -> None:
    pass
