"""One process for one data folder."""

import fcntl
import os
from pathlib import Path

from edgenode.core.errors import DataFolderError, DataFolderInUse
from edgenode.store.files import PRIVATE_FILE

MAX_PID_BYTES = 32  # more than the digits of any pid


class FolderLock:
    """The lock file of a data folder, held until `release` or the end of the process.

    The file stays: removing it would let two processes lock two files of one name. It holds the
    pid of who has it. DataFolderInUse: another process does. DataFolderError: it cannot be made.
    Blocking, but never waits for the other process.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        except OSError as error:
            raise DataFolderError(_cannot(path, error)) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = _holder(self._fd)
            os.close(self._fd)
            message = f"the data folder {path.parent} is in use by {holder}"
            raise DataFolderInUse(message) from error
        except OSError as error:
            os.close(self._fd)
            raise DataFolderError(_cannot(path, error)) from error

    def release(self) -> None:
        """Give the folder free. Once."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def _holder(fd: int) -> str:
    pid = os.pread(fd, MAX_PID_BYTES, 0).decode("ascii", "replace").strip()
    return f"process {pid}" if pid.isdecimal() else "another process"


def _cannot(path: Path, error: OSError) -> str:
    return f"{path} cannot be locked: {error.strerror or error}"
