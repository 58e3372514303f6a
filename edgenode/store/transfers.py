"""The files under `incoming/`: temporary ones, and transfers that can be resumed."""

import contextlib
import logging
import os
import stat
import threading
import time
from pathlib import Path

from edgenode.core.errors import Busy
from edgenode.core.ids import is_block_id
from edgenode.store.layout import Layout
from edgenode.store.space import Space

# Transfers that can be resumed, under way or left. More than a node fetches at once; at 64 MiB a
# block they take at most 2 GiB, which is given up first when space is short.
MAX_PARTIALS = 32
# Who has not offered the rest of a block for a week is not expected to.
MAX_PARTIAL_AGE_S = 7 * 24 * 3600

_TEMP = ".tmp"
_PART = ".part"

_log = logging.getLogger(__name__)


class Transfers:
    """Names in `incoming/`, and which transfers are under way. Blocking, thread-safe.

    Counts in `space` what is left for later; an IncomingFile counts what is under way. `open`
    raises OSError.
    """

    def __init__(self, layout: Layout, space: Space) -> None:
        self._layout = layout
        self._space = space
        self._lock = threading.Lock()
        self._under_way: set[str] = set()
        self._left: dict[str, int] = {}  # id to bytes present, in the order they were left

    def open(self) -> None:
        """Remove what cannot be resumed, and count what can.

        A clock that was wrong costs at most a transfer from the beginning.
        """
        found = []
        oldest = time.time() - MAX_PARTIAL_AGE_S
        for path in self._layout.incoming.iterdir():
            status = path.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                continue
            if path.suffix == _TEMP:
                path.unlink()
            elif path.suffix == _PART and is_block_id(path.stem):
                if status.st_size and status.st_mtime >= oldest:
                    found.append((status.st_mtime_ns, path.stem, status.st_size))
                else:
                    path.unlink()
        found.sort()
        for _, block_id, _ in found[:-MAX_PARTIALS]:
            self._layout.partial(block_id).unlink()
        with self._lock:
            self._left = {block_id: size for _, block_id, size in found[-MAX_PARTIALS:]}
            self._space.count_in(sum(self._left.values()))

    def temp(self) -> Path:
        """Return a path for a file that only this process run can finish."""
        return self._layout.incoming / f"{os.urandom(16).hex()}{_TEMP}"

    def begin(self, block_id: str) -> int:
        """Mark a transfer as under way; returns the bytes that an earlier one has left.

        Busy: one for the same block, or MAX_PARTIALS of them, are under way.
        """
        with self._lock:
            if block_id in self._under_way:
                message = "a transfer of this block is under way"
                raise Busy(message)
            if len(self._under_way) >= MAX_PARTIALS:
                message = f"{MAX_PARTIALS} transfers are under way"
                raise Busy(message)
            self._under_way.add(block_id)
            return self._left.pop(block_id, 0)

    def end(self, block_id: str, left: int) -> None:
        """Mark a transfer as ended, with `left` bytes in place for the next one."""
        with self._lock:
            self._under_way.discard(block_id)
            if left:
                self._left[block_id] = left

    def trim(self) -> None:
        """Give up the oldest transfers that are left while there are more than MAX_PARTIALS."""
        while True:
            with self._lock:
                if len(self._under_way) + len(self._left) <= MAX_PARTIALS:
                    return
            if not self.reclaim():
                return

    def reclaim(self) -> bool:
        """Give up the transfer that was left longest ago; False when there is none."""
        with self._lock:
            if not self._left:
                return False
            block_id = next(iter(self._left))
            size = self._left.pop(block_id)
            # Or a new transfer of the block could begin with the file that is being removed.
            self._under_way.add(block_id)
        with contextlib.suppress(OSError):
            self._layout.partial(block_id).unlink(missing_ok=True)
        self._space.release(size)
        self.end(block_id, 0)
        _log.info("gave up %d bytes of an unfinished transfer of %s", size, block_id)
        return True
