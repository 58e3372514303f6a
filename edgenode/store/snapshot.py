"""The state database as one file: made whole for a copy, and checked when it comes from one."""

import sqlite3
from pathlib import Path

from edgenode.core.errors import DataFolderError
from edgenode.store.connection import database_errors
from edgenode.store.migrations import MIGRATIONS


def fold(path: Path) -> None:
    """Fold the changes beside the database into its file, which then is all of it.

    Nobody else may have it open. Raises what `database_errors` gives. Blocking.
    """
    with database_errors(path):
        connection = _connect(path, "rw")
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()


def check(path: Path) -> None:
    """Raise DataFolderError for a file that is no whole state database this edgenode knows."""
    with database_errors(path):
        # Whole as it stands: nothing is made beside it.
        connection = _connect(path, "ro&immutable=1")
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            faults = connection.execute("PRAGMA quick_check(1)").fetchall()
        finally:
            connection.close()
    if not 1 <= version <= len(MIGRATIONS):
        message = (
            f"{path.name} is of version {version}, this edgenode knows 1 to {len(MIGRATIONS)}: "
            "install the one that it comes from, or a newer one"
        )
        raise DataFolderError(message)
    if faults != [("ok",)]:
        message = f"{path.name} is damaged: {faults[0][0]}"
        raise DataFolderError(message)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)
