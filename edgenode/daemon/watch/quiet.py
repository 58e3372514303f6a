"""Holding back log lines that repeat, with a count of them."""

import logging
import time
from collections.abc import Callable

from edgenode.daemon.watch.catalogue import EVENTS, UNEXPECTED

WINDOW_S = 60.0
"""In it, so many of one kind are logged; the rest are counted, and told at its end."""

MAX_WINDOW_S = 3600.0
"""While a kind goes on, the window doubles up to this: a flood of years is a few lines an hour."""

MANY = 10
"""Warnings of one kind, differing in their words, that a person may want to read one by one."""

MANY_INFO = 100
"""As many links as there may be, twice: that a whole network comes back is no flood."""

MAX_KINDS = 256
"""More than there are places in the code that log anything."""


class _Kind:
    """What is known of the lines of one place in the code."""

    __slots__ = ("held", "last", "passed", "since", "text", "window_s")

    def __init__(self, now: float) -> None:
        self.since = now
        self.window_s = WINDOW_S
        self.passed = 0
        self.held = 0
        self.last: logging.LogRecord | None = None  # of those held back
        self.text = ""


class Quiet(logging.Handler):
    """Hands records on to `target`, but for repetitions; `tell` says now and then how many."""

    def __init__(
        self, target: logging.Handler, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._target = target
        self._clock = clock
        self._kinds: dict[tuple[str, int], _Kind] = {}
        self.warnings = dict.fromkeys(EVENTS, 0)
        """Event → how many warnings and errors of it there were, those held back too."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the record on, or count it; logging calls this one at a time."""
        is_info = record.levelno < logging.WARNING
        if not is_info:
            event = getattr(record, "event", UNEXPECTED)
            self.warnings[event] = self.warnings.get(event, 0) + 1
        self._tell()
        where = (record.pathname, record.lineno)
        kind = self._kinds.get(where)
        if kind is None:
            if len(self._kinds) >= MAX_KINDS:
                self._target.handle(record)
                return
            kind = self._kinds[where] = _Kind(self._clock())
        text = record.getMessage()
        same = text == kind.text and not is_info
        if same or kind.passed >= (MANY_INFO if is_info else MANY):
            kind.held += 1
            kind.last = record
            return
        kind.passed += 1
        kind.text = text
        self._target.handle(record)

    def tell(self) -> None:
        """Say what was held back in the windows that have ended; to be called now and then."""
        self.acquire()
        try:
            self._tell()
        finally:
            self.release()

    def close(self) -> None:
        """Say at once all that was held back."""
        self.acquire()
        try:
            for kind in self._kinds.values():
                self._say(kind, self._clock())
            self._kinds.clear()
        finally:
            self.release()
        super().close()

    def _tell(self) -> None:
        now = self._clock()
        over = [item for item in self._kinds.items() if now - item[1].since >= item[1].window_s]
        for where, kind in over:
            if not kind.held:
                del self._kinds[where]
                continue
            self._say(kind, now)
            kind.since, kind.passed, kind.held, kind.last = now, 0, 0, None
            kind.window_s = min(2 * kind.window_s, MAX_WINDOW_S)

    def _say(self, kind: _Kind, now: float) -> None:
        if kind.last is None:
            return
        record = logging.makeLogRecord(kind.last.__dict__)
        seconds = max(1, round(now - kind.since))
        record.msg = f"{kind.held} more like this in {seconds} s, the last: {record.getMessage()}"
        record.args = ()
        record.exc_info = record.exc_text = None
        self._target.handle(record)
