"""Which files were found whole since the start, and in what state they were then."""

import os
import struct
import threading

from edgenode.store.layout import block_digest

# About 250 bytes each, so 2 MB; a block beyond it is hashed again when it is next read.
MAX_VERIFIED = 8_192

_KEY_BYTES = 16  # of the digest: enough to tell blocks apart, a quarter of the memory


class VerifiedFiles:
    """A bounded table of block id and state of its file; the longest unused goes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[bytes, bytes] = {}

    def add(self, block_id: str, status: os.stat_result) -> None:
        """Note that the file had the right hash when its status was `status`."""
        with self._lock:
            key = _key(block_id)
            self._states.pop(key, None)
            if len(self._states) >= MAX_VERIFIED:
                del self._states[next(iter(self._states))]
            self._states[key] = _state(status)

    def holds(self, block_id: str, status: os.stat_result) -> bool:
        """Whether the file was found whole and has the same size, mtime and inode since."""
        with self._lock:
            key = _key(block_id)
            state = self._states.pop(key, None)
            if state != _state(status):
                return False
            self._states[key] = state
            return True

    def drop(self, block_id: str) -> None:
        """Forget a block that is no longer held."""
        with self._lock:
            self._states.pop(_key(block_id), None)


def _key(block_id: str) -> bytes:
    return block_digest(block_id)[:_KEY_BYTES]


def _state(status: os.stat_result) -> bytes:
    return struct.pack("<QqQ", status.st_size, status.st_mtime_ns, status.st_ino)
