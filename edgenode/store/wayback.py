"""The way back to an older edgenode: a copy of the state database before its tables change.

`state.db.v<N>` is the database as it was with tables of version N. There is at most one: the copy
of the last change, or after the way back the newer database that was set aside.
"""

import os
import sqlite3
from pathlib import Path

from edgenode.core.errors import StoreFailed
from edgenode.store.files import PRIVATE_FILE, fsync_folder

_EPOCH = "SELECT value, crc32 FROM named_values WHERE name = 'epoch'"
_SET_EPOCH = "UPDATE named_values SET value = ?, crc32 = ? WHERE name = 'epoch'"


def keep_copy(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Write the open database at `path`, whose tables have `version`, to its copy, durably.

    Copies of other versions are removed first, for the room. Raises sqlite3.Error or OSError.
    Blocking, as all here.
    """
    for old in path.parent.glob(f"{path.name}.v*"):
        old.unlink()
    copy = _copy_of(path, version)
    new = copy.with_name(f"{copy.name}.new")
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
    connection.execute("VACUUM INTO ?", (str(new),))
    _fsync(new)
    new.rename(copy)
    fsync_folder(path.parent)


def newest_copy(path: Path, versions: int) -> int | None:
    """Return the version of the newest copy with tables of at most `versions`, or None."""
    return next((n for n in range(versions, 0, -1) if _copy_of(path, n).exists()), None)


def go_back(connection: sqlite3.Connection, path: Path, *, newer: int, older: int) -> None:
    """Put the copy of version `older` in the place of the database, which has `newer`.

    `connection` is to the database, and is closed. The database becomes the copy of its version.
    The epoch goes over, since it must never go back. Raises sqlite3.Error, OSError, StoreFailed.
    """
    epoch = connection.execute(_EPOCH).fetchone()
    connection.close()
    if path.with_name(f"{path.name}-wal").exists():
        # It would be played into the copy.
        message = f"{path.name} cannot be set aside: its last changes were not folded into it"
        raise StoreFailed(message)
    copy, aside = _copy_of(path, older), _copy_of(path, newer)
    old = sqlite3.connect(copy.absolute().as_uri() + "?mode=rw", uri=True, isolation_level=None)
    try:
        old.execute("PRAGMA synchronous = FULL")
        old.execute(_SET_EPOCH, epoch)
    finally:
        old.close()
    # At no moment is there no database: the node would begin a new one.
    aside.unlink(missing_ok=True)
    aside.hardlink_to(path)
    copy.replace(path)
    fsync_folder(path.parent)


def _copy_of(path: Path, version: int) -> Path:
    return path.with_name(f"{path.name}.v{version}")


def _fsync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
