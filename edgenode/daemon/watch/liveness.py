"""Whether the node makes progress: one check, for the watchdog, `/healthz` and the metrics."""

import asyncio
import os
import sqlite3
from pathlib import Path

from edgenode.core.errors import EdgenodeError
from edgenode.store.database import Database


class Liveness:
    """Checks the loop, the thread of the database and the disk of `data_dir`."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database = database
        self._data_dir = data_dir
        self._checking: asyncio.Task[str | None] | None = None
        self.free_bytes: int | None = None
        """Free for the node on the disk, as of the last check that it answered."""

    async def check(self) -> str | None:
        """Return None if all go on, or what is wrong; as long as one of them hangs, wait.

        The event loop has come here, the database's thread has done all before a small read, and
        a worker has asked the disk. Whoever asks meanwhile waits for the same check, so that a disk
        that hangs holds one worker, not all. Cancelling ends that wait only.
        """
        if self._checking is None:
            self._checking = asyncio.create_task(self._check())
            self._checking.add_done_callback(self._done)
        return await asyncio.shield(self._checking)

    def _done(self, _: "asyncio.Task[str | None]") -> None:
        self._checking = None

    async def _check(self) -> str | None:
        try:
            await self._database.read(_look)
            disk = await asyncio.to_thread(os.statvfs, self._data_dir)
        except (EdgenodeError, OSError) as error:
            # Final for the database (StoreFailed): only a new start can cure it.
            return str(error)
        self.free_bytes = disk.f_bavail * disk.f_frsize
        return None


def _look(connection: sqlite3.Connection) -> object:
    return connection.execute("SELECT count(*) FROM named_values").fetchone()
