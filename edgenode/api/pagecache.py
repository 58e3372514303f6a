"""What of a file is in memory: handing over the rest would wait for the disk."""

import os

PROBE_BYTES = 128 * 1024
"""Linux reads a file ahead, and so mostly drops it, in stretches of this size."""


def is_cached(fd: int, offset: int, length: int) -> bool:
    """Tell at once whether a part of a file is in the page cache, by a byte of each stretch.

    False for a file system that cannot tell.
    """
    byte = bytearray(1)
    last = offset + length - 1
    try:
        for place in (*range(offset, last, PROBE_BYTES), last):
            os.preadv(fd, [byte], place, os.RWF_NOWAIT)
    except OSError:
        return False
    return True


def read_in(fd: int, offset: int, length: int) -> None:
    """Have a part of a file in the page cache, at most to its end; waits for the disk. OSError."""
    piece = bytearray(min(PROBE_BYTES, length))
    end = offset + length
    while offset < end:
        read = os.preadv(fd, [piece], offset)
        if read == 0:
            return
        offset += read
