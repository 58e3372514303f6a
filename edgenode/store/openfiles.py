"""Blocks that were read lately: open files, found and read without waiting for the disk."""

import os

# Up to here one read into memory is faster than handing the file to the system.
MAX_SMALL_BYTES = 64 * 1024

# Descriptors of the 1,024 that a process has. Few blocks are read again and again; for the others
# the one trip to a thread, which opens and reads them, is not what matters.
MAX_OPEN = 64


class OpenFile:
    """An open file that was found whole when its status was as given; `fd` is the holder's."""

    __slots__ = ("fd", "mtime_ns", "size")

    def __init__(self, fd: int, size: int, mtime_ns: int) -> None:
        self.fd = fd
        self.size = size
        self.mtime_ns = mtime_ns

    def duplicate(self) -> int | None:
        """Return a descriptor of the caller's own, or None if the file has been closed.

        The position is shared: it is to be read by offset only.
        """
        return None if self.fd < 0 else os.dup(self.fd)

    def close(self) -> None:
        """Close the file; its number, which may soon be another's, is not used again."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class OpenFiles:
    """A bounded table of open files by block id; the longest unread goes. For the event loop."""

    def __init__(self) -> None:
        self._files: dict[str, OpenFile] = {}

    def add(self, block_id: str, file: OpenFile) -> None:
        """Keep a file, which is closed here in the end: at once if it was removed meanwhile."""
        self.drop(block_id)
        if not os.fstat(file.fd).st_nlink:  # or the disk would not get its space back
            file.close()
            return
        if len(self._files) >= MAX_OPEN:
            self.drop(next(iter(self._files)))
        self._files[block_id] = file

    def find(self, block_id: str) -> OpenFile | None:
        """Return the block's file; one that was removed or changed since is closed."""
        file = self._files.get(block_id)
        if file is None:
            return None
        status = os.fstat(file.fd)
        if status.st_nlink and (status.st_size, status.st_mtime_ns) == (file.size, file.mtime_ns):
            self._files[block_id] = self._files.pop(block_id)
            return file
        self.drop(block_id)
        return None

    def read(self, block_id: str, file: OpenFile) -> bytes | None:
        """Return the bytes of a file that was found, if they are in the page cache, else None."""
        data = bytearray(file.size)
        try:
            if os.preadv(file.fd, [data], 0, os.RWF_NOWAIT) == file.size:
                return bytes(data)
        except BlockingIOError:  # it would wait for the disk
            pass
        except OSError:  # a file system that cannot tell
            self.drop(block_id)
        return None

    def drop(self, block_id: str) -> None:
        """Close the block's file, if there is one."""
        file = self._files.pop(block_id, None)
        if file is not None:
            file.close()

    def close(self) -> None:
        """Close all files."""
        while self._files:
            self.drop(next(iter(self._files)))
