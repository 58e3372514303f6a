"""Small blocks that were read lately: open files, read without waiting for the disk."""

import os
from typing import NamedTuple

# Up to here one read into memory is faster than handing the file to the system, and the block may
# be kept open.
MAX_SMALL_BYTES = 64 * 1024

# Descriptors of the 1,024 that a process has. Few blocks are read again and again; for the others
# the one trip to a thread, which opens and reads them, is not what matters.
MAX_OPEN = 64


class SmallFile(NamedTuple):
    """An open file that was found whole when its status was as given; `fd` is the holder's."""

    fd: int
    size: int
    mtime_ns: int


class SmallFiles:
    """A bounded table of open files by block id; the longest unread goes. For the event loop."""

    def __init__(self) -> None:
        self._files: dict[str, SmallFile] = {}

    def add(self, block_id: str, file: SmallFile) -> None:
        """Keep a file, which is closed here in the end."""
        self.drop(block_id)
        if len(self._files) >= MAX_OPEN:
            self.drop(next(iter(self._files)))
        self._files[block_id] = file

    def read(self, block_id: str) -> bytes | None:
        """Return the block's bytes if they are in the page cache, else None at once.

        A file that was removed or changed since is not read, and closed.
        """
        file = self._files.get(block_id)
        if file is None:
            return None
        try:
            status = os.fstat(file.fd)
            if status.st_nlink and (status.st_size, status.st_mtime_ns) == file[1:]:
                data = bytearray(file.size)
                if os.preadv(file.fd, [data], 0, os.RWF_NOWAIT) == file.size:
                    self._files[block_id] = self._files.pop(block_id)
                    return bytes(data)
                return None
        except BlockingIOError:  # it would wait for the disk
            return None
        except OSError:  # a file system that cannot tell
            pass
        self.drop(block_id)
        return None

    def drop(self, block_id: str) -> None:
        """Close the block's file, if there is one."""
        file = self._files.pop(block_id, None)
        if file is not None:
            os.close(file.fd)

    def close(self) -> None:
        """Close all files."""
        while self._files:
            self.drop(next(iter(self._files)))
