"""The block files that are held: finding, verifying, adding, removing and counting them."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from edgenode.core.errors import HashMismatch, StoreFailed
from edgenode.core.ids import is_block_id
from edgenode.store.files import disk_errors, fsync_folder
from edgenode.store.incoming import IncomingFile
from edgenode.store.layout import FAN_OUT, Layout, block_digest
from edgenode.store.openfiles import MAX_SMALL_BYTES, OpenFile
from edgenode.store.quarantine import Quarantine
from edgenode.store.space import Space
from edgenode.store.types import Hasher, StoredBlock
from edgenode.store.verified import VerifiedFiles

# Read at a time while hashing: large enough for an SD card's read-ahead, small beside the node.
HASH_PIECE_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


class HeldFiles:
    """The files `<first two hex>/<id>`, which are the only record of what is held.

    Blocking, thread-safe. What changes a file or its place is done under one of FAN_OUT locks,
    chosen by the first byte of the id: two operations on one block never overlap, and two on
    different blocks wait for one another rarely.
    """

    def __init__(
        self,
        layout: Layout,
        space: Space,
        quarantine: Quarantine,
        new_hasher: Callable[[], Hasher],
    ) -> None:
        self._layout = layout
        self._space = space
        self._quarantine = quarantine
        self._new_hasher = new_hasher
        self._verified = VerifiedFiles()
        self._locks = [threading.Lock() for _ in range(FAN_OUT)]
        self._counts = [0] * FAN_OUT
        self._sizes = [0] * FAN_OUT

    @property
    def count(self) -> int:
        """Blocks held."""
        return sum(self._counts)

    @property
    def total_bytes(self) -> int:
        """Bytes of all blocks held."""
        return sum(self._sizes)

    def count_folder(self, first_byte: int) -> None:
        """Count the files of one folder. StoreFailed."""
        with self._locks[first_byte], disk_errors("cannot count the blocks"):
            self._recount(first_byte)

    def verified(self, block_id: str) -> tuple[StoredBlock | None, bool]:
        """Return the block if it is held, and whether its bytes need no check now. StoreFailed."""
        status = self._status(block_id)
        if status is None:
            return None, True
        return StoredBlock(block_id, status.st_size), self._verified.holds(block_id, status)

    def opened(self, block_id: str) -> tuple[OpenFile, bytes | None] | None:
        """Return a block's file, open, and the bytes of a small one; None if a check is due.

        StoreFailed.
        """
        with disk_errors("cannot read the block"):
            try:
                fd = os.open(self._layout.block(block_id), os.O_RDONLY | os.O_NOFOLLOW)
            except FileNotFoundError:
                return None
            try:
                status = os.fstat(fd)
                if self._verified.holds(block_id, status):
                    data = None
                    if status.st_size <= MAX_SMALL_BYTES:
                        data = os.pread(fd, status.st_size, 0)
                    if data is None or len(data) == status.st_size:
                        file = OpenFile(fd, status.st_size, status.st_mtime_ns)
                        fd = -1
                        return file, data
            finally:
                if fd >= 0:
                    os.close(fd)
        return None

    def check(self, block_id: str) -> StoredBlock | None:
        """Hash the block's file if that is due, and return the block if it is held and whole.

        One that does not match is set aside, and HashMismatch raised. StoreFailed: the file
        cannot be read; it stays, for a disk that was unplugged gives the same error.
        """
        with self._lock(block_id):
            status = self._status(block_id)
            if status is None:
                return None
            if not self._is_whole(block_id, status):
                self._set_aside(block_id, status.st_size)
                message = "the bytes held do not match the block id"
                raise HashMismatch(message)
            return StoredBlock(block_id, status.st_size)

    def add(self, file: IncomingFile, block_id: str) -> bool:
        """Make a received file the block `block_id`; durable on return.

        Returns False, and discards the file, when the block is held and whole already. A damaged
        one is set aside and replaced. StoreFull, StoreFailed: nothing is added.
        """
        path = self._layout.block(block_id)
        with self._lock(block_id):
            new = not self._is_held_whole(block_id)
            if new:
                self._move_in(file, block_id, path)
            else:
                # An earlier process may have been killed between its rename and its fsync.
                with disk_errors("cannot make the block durable"):
                    fsync_folder(path.parent)
                file.discard()
            try:
                self._quarantine.forget(block_id)
            except OSError as error:  # no harm: what is held is not wanted
                _log.warning(
                    "block %s stays in quarantine, too: %s",
                    block_id,
                    error,
                    extra={"event": "disk-refuses", "block": block_id},
                )
        return new

    def remove(self, block_id: str) -> bool:
        """Delete a block, and forget that it was wanted; False if it was not held. StoreFailed."""
        path = self._layout.block(block_id)
        with self._lock(block_id), disk_errors("cannot delete the block"):
            self._quarantine.forget(block_id)
            status = self._status(block_id)
            if status is None:
                return False
            unchanged = self._verified.holds(block_id, status)
            path.unlink()
            self._verified.drop(block_id)
            first_byte = block_digest(block_id)[0]
            if unchanged:
                self._counts[first_byte] -= 1
                self._sizes[first_byte] -= status.st_size
                self._space.release(status.st_size)
            else:
                self._recount(first_byte)  # its size may not be the one that was counted
            fsync_folder(path.parent)
        return True

    def listed(self, after: str | None, limit: int) -> list[StoredBlock]:
        """Return at most `limit` blocks with ids above `after`, ascending. StoreFailed."""
        blocks: list[StoredBlock] = []
        first = 0 if after is None else block_digest(after)[0]
        for first_byte in range(first, FAN_OUT):
            with disk_errors("cannot list the blocks"):
                found = [
                    StoredBlock(path.name, status.st_size)
                    for path, status in _block_files(self._layout.fan_out(first_byte))
                    if after is None or path.name > after
                ]
            blocks += sorted(found)
            if len(blocks) >= limit:
                break
        return blocks[:limit]

    def is_held(self, block_id: str) -> bool:
        """Whether there is a file of this block. StoreFailed."""
        return self._status(block_id) is not None

    def _lock(self, block_id: str) -> threading.Lock:
        return self._locks[block_digest(block_id)[0]]

    def _status(self, block_id: str) -> os.stat_result | None:
        with disk_errors("cannot look for the block"):
            try:
                return self._layout.block(block_id).stat(follow_symlinks=False)
            except FileNotFoundError:
                return None

    def _is_whole(self, block_id: str, status: os.stat_result) -> bool:
        if self._verified.holds(block_id, status):
            return True
        hasher = self._new_hasher()
        with disk_errors("cannot read the block"):
            fd = os.open(self._layout.block(block_id), os.O_RDONLY | os.O_NOFOLLOW)
            try:
                # Before it is read: a change meanwhile must not pass for what was hashed.
                status = os.fstat(fd)
                while piece := os.read(fd, HASH_PIECE_BYTES):
                    hasher.update(piece)
            finally:
                os.close(fd)
        if hasher.hexdigest() != block_id:
            return False
        self._verified.add(block_id, status)
        return True

    def _is_held_whole(self, block_id: str) -> bool:
        status = self._status(block_id)
        if status is None:
            return False
        try:
            whole = self._is_whole(block_id, status)
        except StoreFailed as error:
            _log.warning(
                "block %s: %s",
                block_id,
                error,
                extra={"event": "block-unreadable", "block": block_id},
            )
            whole = False
        if not whole:
            self._set_aside(block_id, status.st_size)
        return whole

    def _set_aside(self, block_id: str, size: int) -> None:
        _log.warning(
            "block %s does not match its hash: set aside",
            block_id,
            extra={"event": "block-damaged", "block": block_id},
        )
        with disk_errors("cannot set a damaged block aside"):
            self._quarantine.add(block_id, self._layout.block(block_id), size)
            self._verified.drop(block_id)
            self._recount(block_digest(block_id)[0])

    def _move_in(self, file: IncomingFile, block_id: str, path: Path) -> None:
        file.sync()
        with disk_errors("cannot make the block durable"):
            file.path.rename(path)
            try:
                fsync_folder(path.parent)
                status = path.stat()
            except OSError:
                path.unlink()  # what may not be durable is not held
                raise
        file.moved()
        self._verified.add(block_id, status)
        first_byte = block_digest(block_id)[0]
        self._counts[first_byte] += 1
        self._sizes[first_byte] += status.st_size

    def _recount(self, first_byte: int) -> None:
        found = [status.st_size for _, status in _block_files(self._layout.fan_out(first_byte))]
        self._space.count_in(sum(found) - self._sizes[first_byte])
        self._counts[first_byte] = len(found)
        self._sizes[first_byte] = sum(found)


def _block_files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the block files of one fan-out folder with their status. Raises OSError."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_block_id(entry.name) or not entry.name.startswith(folder.name):
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    yield folder / entry.name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # deleted meanwhile
