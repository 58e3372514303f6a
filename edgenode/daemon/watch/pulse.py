"""A slow tick: how late the event loop is, and what is looked after every few seconds."""

import asyncio
from collections.abc import Callable, Sequence

from edgenode.api.exposition import Buckets

PERIOD_S = 5.0
"""Often enough for a status line and to see a loop that is held up; 17,280 times a day."""

BOUNDS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From what nobody notices to what the watchdog will end."""


class Pulse:
    """Calls `acts` at each tick, the first at once; none of them may raise or wait."""

    def __init__(self, acts: Sequence[Callable[[], None]], period_s: float = PERIOD_S) -> None:
        self._acts = acts
        self._period_s = period_s
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._total_s = 0.0

    async def run(self) -> None:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            for act in self._acts:
                act()
            due = loop.time() + self._period_s
            await asyncio.sleep(self._period_s)
            self.note(max(0.0, loop.time() - due))

    def note(self, lag_s: float) -> None:
        """Count a tick that came so late."""
        place = sum(lag_s > bound for bound in BOUNDS_S)
        self._counts[place] += 1
        self._total_s += lag_s

    @property
    def lag(self) -> Buckets:
        """How late the ticks were."""
        return Buckets(BOUNDS_S, tuple(self._counts), self._total_s)
