"""A block that is being received: its file, its hash so far, and the space it takes."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

from edgenode.core.errors import StoreFailed
from edgenode.store.files import PRIVATE_FILE, disk_errors, write_all
from edgenode.store.space import Space
from edgenode.store.types import Hasher

# Small pieces are gathered up to this before a thread hashes and writes them: a hop costs about
# 100 µs, hashing 256 KiB at least 500 µs, and every transfer under way holds this much memory.
BATCH_BYTES = 256 * 1024


class IncomingFile:
    """A file under `incoming/`, hashed as it grows. Blocking, thread-safe.

    Ends once, by `keep`, `discard` or `moved`; later calls of these do nothing, so a cancelled
    caller can always discard. `on_end(size)` is told how many bytes stay in place (0: no file).
    `lock` held from outside keeps the others from ending the file meanwhile.
    """

    def __init__(
        self, path: Path, hasher: Hasher, space: Space, on_end: Callable[[int], None]
    ) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.size = 0  # bytes written and hashed
        self._hasher = hasher
        self._space = space
        self._on_end = on_end
        self._fd = -1
        self._claimed = 0
        self._on_disk = 0  # the part of the claim that is written
        self._ended = False

    def create(self, size: int) -> None:
        """Make the file, with space for `size` bytes claimed. StoreFull, StoreFailed."""
        self._open(os.O_CREAT | os.O_EXCL)
        self._claim(size)

    def resume(self, present: int, size: int) -> None:
        """Open the file, or make it, and hash what it holds; claim space for up to `size` bytes.

        `present` bytes of it are already claimed. More than `size` bytes in the file are of
        another transfer: it begins anew. StoreFull, StoreFailed.
        """
        with self.lock:
            self._claimed = self._on_disk = present
            self._open(os.O_CREAT)
            with disk_errors("cannot resume a transfer"):
                if os.fstat(self._fd).st_size > size:
                    os.ftruncate(self._fd, 0)
                while piece := os.read(self._fd, BATCH_BYTES):
                    self._hasher.update(piece)
                    self.size += len(piece)
            # What is on the disk may differ from what was counted when it was left.
            self._space.count_in(self.size - present)
            self._claimed = self._on_disk = self.size
            self._claim(size)

    def append(self, data: bytes | bytearray, offset: int) -> None:
        """Write and hash `data`, which belongs at `offset`. StoreFull, StoreFailed.

        Any other offset than the end means that an earlier piece was lost on its way.
        """
        with self.lock:
            if self._ended or offset != self.size:
                raise StoreFailed("the transfer was interrupted")
            self._claim(self.size + len(data))
            with disk_errors("cannot write the block"):
                write_all(self._fd, data)
            self._hasher.update(data)
            self.size += len(data)
            self._on_disk += len(data)
            self._space.wrote(len(data))

    def hexdigest(self) -> str:
        """Return the hash of what was written."""
        return self._hasher.hexdigest()

    def sync(self) -> None:
        """Make the bytes durable. StoreFailed is final: the file must be discarded then.

        After a failed fsync the system drops what it could not write and the next fsync
        succeeds, so it is never tried again.
        """
        with disk_errors("cannot make the block durable"):
            os.fsync(self._fd)

    def moved(self) -> None:
        """End: the file has got another name, and its bytes are counted there."""
        with self.lock:
            self._end(stay=self.size, left=0)

    def keep(self) -> None:
        """End: leave the file for a later transfer to resume."""
        with self.lock:
            if self._fd < 0:
                self._end(stay=self._on_disk, left=self._on_disk)
            elif not self.size:
                self.discard()
            elif not self._ended:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._fd, self.size)  # a piece that was written in part
                self._end(stay=self.size, left=self.size)

    def discard(self) -> None:
        """End: remove the file."""
        with self.lock:
            if not self._ended:
                with contextlib.suppress(OSError):
                    self.path.unlink(missing_ok=True)
                self._end(stay=0, left=0)

    def _end(self, *, stay: int, left: int) -> None:
        if self._ended:
            return
        self._ended = True
        if self._fd >= 0:
            os.close(self._fd)
        self._space.release(self._on_disk - stay, unwritten=self._claimed - self._on_disk)
        self._on_end(left)

    def _open(self, flags: int) -> None:
        with self.lock:
            if self._ended:
                raise StoreFailed("the transfer was interrupted")
            with disk_errors("cannot make a file for the block"):
                self._fd = os.open(self.path, os.O_RDWR | flags, PRIVATE_FILE)

    def _claim(self, size: int) -> None:
        with self.lock:
            if size > self._claimed:
                with disk_errors("cannot make room for the block"):
                    self._space.claim(size - self._claimed)
                self._claimed = size


class IncomingWriter:
    """The event loop's side of an IncomingFile: gathers pieces and writes them in a thread.

    For one task at a time. `size` counts the pieces that wait, too.
    """

    def __init__(self, file: IncomingFile) -> None:
        self.file = file
        self.size = file.size
        self._waiting = bytearray()

    async def write(self, data: bytes) -> None:
        """Take in the next piece. StoreFull, StoreFailed: the transfer cannot go on then."""
        self.size += len(data)
        if not self._waiting and len(data) >= BATCH_BYTES:
            await asyncio.to_thread(self.file.append, data, self.size - len(data))
            return
        self._waiting += data
        if len(self._waiting) >= BATCH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write the pieces that wait. StoreFull, StoreFailed."""
        data, self._waiting = self._waiting, bytearray()
        if data:
            await asyncio.to_thread(self.file.append, data, self.size - len(data))
