"""The last hour, by minutes: what was moved and done, for plots. Lost at a restart."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from edgenode.core.counters import Counters
from edgenode.daemon.peers import iso_time

PERIOD_S = 60
"""Of a sample: an hour of them is 60 bars, about as many as a phone shows apart."""

SAMPLES = 60
"""About 250 bytes each."""


class _Totals(NamedTuple):
    bytes_in: int
    bytes_out: int
    succeeded: int
    failed: int


class History:
    """Takes a sample of `counters` and of the number of peers each minute; `run` it."""

    def __init__(
        self, counters: Counters, peers: Callable[[], int], wall_ms: Callable[[], int]
    ) -> None:
        self._counters = counters
        self._peers = peers
        self._wall_ms = wall_ms
        self._samples: deque[dict[str, int]] = deque(maxlen=SAMPLES)
        self._before = self._totals()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(PERIOD_S)
            self.take()

    def take(self) -> None:
        """End a sample and begin the next."""
        self._samples.append(self._now())
        self._before = self._totals()

    def to_json(self) -> dict[str, object]:
        """Return NodeHistory: whole samples, oldest first, and the one that has begun."""
        return {
            "periodSeconds": PERIOD_S,
            "until": iso_time(self._wall_ms()),
            "samples": [*self._samples, self._now()],
        }

    def _totals(self) -> _Totals:
        counters = self._counters
        return _Totals(counters.bytes_in, counters.bytes_out, counters.succeeded, counters.failed)

    def _now(self) -> dict[str, int]:
        now, before = self._totals(), self._before
        return {
            "bytesIn": now.bytes_in - before.bytes_in,
            "bytesOut": now.bytes_out - before.bytes_out,
            "succeeded": now.succeeded - before.succeeded,
            "failed": now.failed - before.failed,
            "peers": self._peers(),
        }
