"""Progress of one transfer, on standard error, for a person who waits."""

import sys
import time
from types import TracebackType

from edgenode.cli.output import clean, human_bytes

PATIENCE_S = 0.5
"""What is over sooner needs no progress."""

INTERVAL_S = 0.2
"""Between repaints: often enough to look alive, cheap over a serial console."""

_ERASE_LINE = "\r\x1b[K"


class Progress:
    """Counts bytes; paints one line on standard error if that is a terminal."""

    def __init__(self, name: str, total: int | None) -> None:
        self._name = clean(name)
        self._total = total
        self._count = 0
        self._start = time.monotonic()
        self._next = self._start + PATIENCE_S
        self._terminal = sys.stderr.isatty()
        self._painted = False

    def add(self, count: int) -> None:
        """Count bytes that went over."""
        self._count += count
        now = time.monotonic()
        if not self._terminal or now < self._next:
            return
        self._next = now + INTERVAL_S
        self._painted = True
        done = human_bytes(self._count)
        if self._total:
            done += f" of {human_bytes(self._total)} ({100 * self._count // self._total} %)"
        rate = human_bytes(self._count / (now - self._start))
        sys.stderr.write(f"{_ERASE_LINE}{self._name}: {done}, {rate}/s")
        sys.stderr.flush()

    def __enter__(self) -> "Progress":
        """Begin to count."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the line away again."""
        if self._painted:
            sys.stderr.write(_ERASE_LINE)
            sys.stderr.flush()
