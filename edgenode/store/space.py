"""How much may still be written: the operator's quota and the reserve of free disk."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from edgenode.core.errors import StoreFull
from edgenode.store.files import disk_errors


class Space:
    """The bytes that blocks, transfers and what is set aside take together. Thread-safe.

    Space is claimed before it is written, so that writes under way at the same time cannot
    overrun together. `max_bytes` bounds the sum of file sizes (0: no bound); `reserve_bytes` of
    the disk stay free. `reclaim` drops the least valuable thing kept and returns whether there
    was one: it is asked before a claim is refused.
    """

    def __init__(
        self, folder: Path, *, max_bytes: int, reserve_bytes: int, reclaim: Callable[[], bool]
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        self._reclaim = reclaim
        self._lock = threading.Lock()
        self._claimed = 0
        self._unwritten = 0  # the part of the claims that is not yet on the disk

    @property
    def claimed(self) -> int:
        """Bytes in files and promised to writes under way."""
        return self._claimed

    def count_in(self, size: int) -> None:
        """Count bytes found on the disk, within the quota or not; negative: found gone."""
        with self._lock:
            self._claimed += size

    def claim(self, size: int) -> None:
        """Promise `size` bytes to a write; StoreFull when there is no room for them."""
        while True:
            refused = self._try_claim(size)
            if refused is None:
                return
            if not self._reclaim():
                raise StoreFull(refused)

    def wrote(self, size: int) -> None:
        """Note that claimed bytes are on the disk now."""
        with self._lock:
            self._unwritten -= size

    def release(self, size: int, *, unwritten: int = 0) -> None:
        """Give back `size` bytes that were removed and `unwritten` that were never written."""
        with self._lock:
            self._claimed -= size + unwritten
            self._unwritten -= unwritten

    def _try_claim(self, size: int) -> str | None:
        with disk_errors("cannot tell the free space"):
            disk = os.statvfs(self._folder)
        with self._lock:
            if self._max_bytes and self._claimed + size > self._max_bytes:
                return f"the quota of {self._max_bytes} bytes is reached"
            if disk.f_bavail * disk.f_frsize - self._unwritten - size < self._reserve_bytes:
                return f"the disk has no more than its reserve of {self._reserve_bytes} bytes left"
            self._claimed += size
            self._unwritten += size
        return None
