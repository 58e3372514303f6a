"""Blocks whose bytes did not match their hash, and which are wanted again.

Each is a file in `quarantine/` under the block's id. The name says that the block is wanted; the
bytes are kept as evidence of the newest few only, the other files are empty. So dropping
evidence never loses a wanted id, and a restart finds both.
"""

import contextlib
import logging
import threading
from pathlib import Path

from edgenode.core.ids import is_block_id
from edgenode.store.files import fsync_folder
from edgenode.store.layout import Layout
from edgenode.store.space import Space

# Enough to see whether a disk, memory or a person did it; at 64 MiB a block, 256 MiB at most.
MAX_EVIDENCE = 4
# A node with more than this has lost its disk; the ids take 3 MB while they are listed.
MAX_WANTED = 16_384

_log = logging.getLogger(__name__)


class Quarantine:
    """The folder of blocks set aside. Blocking, thread-safe.

    Counts its evidence in `space`. The methods raise OSError.
    """

    def __init__(self, layout: Layout, space: Space) -> None:
        self._layout = layout
        self._space = space
        self._lock = threading.Lock()
        self._names = 0
        self.added = 0
        """Files set aside since the start."""
        self._evidence: dict[str, int] = {}  # id to size, in the order they were set aside

    def open(self) -> None:
        """Read the folder and count what it holds."""
        found = []
        with self._lock:
            for path in self._layout.quarantine.iterdir():
                if is_block_id(path.name) and path.is_file():
                    self._names += 1
                    status = path.stat()
                    if status.st_size:
                        # A rename sets ctime: the time when the block was set aside.
                        found.append((status.st_ctime_ns, path.name, status.st_size))
            found.sort()
            kept = found[-MAX_EVIDENCE:]
            for _, block_id, _ in found[:-MAX_EVIDENCE]:
                _empty(self._layout.quarantined(block_id))
            self._evidence = {block_id: size for _, block_id, size in kept}
            self._space.count_in(sum(self._evidence.values()))

    def add(self, block_id: str, path: Path, size: int) -> None:
        """Take in the file `path` of `size` bytes: set aside and wanted on return."""
        target = self._layout.quarantined(block_id)
        with self._lock:
            self.added += 1
            known = target.exists()
            if not known and self._names >= MAX_WANTED:
                _log.error(
                    "more than %d damaged blocks: %s is forgotten",
                    MAX_WANTED,
                    block_id,
                    extra={"event": "damaged-forgotten", "block": block_id},
                )
                path.unlink()
                return
            path.rename(target)
            self._names += not known
            self._space.count_in(size - self._evidence.pop(block_id, 0))
            self._evidence[block_id] = size
            while len(self._evidence) > MAX_EVIDENCE:
                self._drop_oldest_evidence()
            try:
                fsync_folder(self._layout.quarantine)
            except OSError as error:
                # Moved all the same. After a power cut it may be back where it was, to be
                # found damaged once more.
                _log.error(
                    "block %s is set aside, but not durably: %s",
                    block_id,
                    error,
                    extra={"event": "disk-refuses", "block": block_id},
                )

    def forget(self, block_id: str) -> None:
        """Drop the entry of a block that is held again or no longer wanted, if there is one."""
        with self._lock:
            if self._forget(block_id):
                fsync_folder(self._layout.quarantine)

    def names(self) -> list[str]:
        """Return the ids that were set aside, ascending."""
        names = (path.name for path in self._layout.quarantine.iterdir())
        return sorted(name for name in names if is_block_id(name))

    def reclaim(self) -> bool:
        """Give up the oldest evidence to make room; False when there is none."""
        with self._lock:
            if not self._evidence:
                return False
            self._drop_oldest_evidence()
            return True

    def _forget(self, block_id: str) -> bool:
        if not self._names:
            return False  # the usual case costs no system call
        try:
            self._layout.quarantined(block_id).unlink()
        except FileNotFoundError:
            return False
        self._names -= 1
        self._space.release(self._evidence.pop(block_id, 0))
        return True

    def _drop_oldest_evidence(self) -> None:
        block_id = next(iter(self._evidence))
        size = self._evidence.pop(block_id)
        with contextlib.suppress(FileNotFoundError):  # removed by hand: gone is what it should be
            _empty(self._layout.quarantined(block_id))
        self._space.release(size)


def _empty(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate()
