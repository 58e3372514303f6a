"""When peers are asked: at once after a change, hourly while all is well, with back-off if not."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import random

from edgenode.core.backoff import Backoff
from edgenode.core.dialback import VERIFIERS, Tally
from edgenode.reach.asking import Peer

# The times of libp2p's AutoNAT v2.
AGAIN_S = 3600.0
FIRST_RETRY_MS = 5_000
LAST_RETRY_MS = 300_000

# Links come in groups; and 12 requests a minute are what a prober takes of one peer.
GATHER_S = 1.0
LEAST_GAP_S = 5.0


class Checker:
    """Keeps `tally` of one address family true, while `run` runs."""

    def __init__(
        self,
        ask: Callable[[Sequence[Peer], int], Awaitable[Tally]],
        peers: Callable[[], Sequence[Peer]],
        port: Callable[[], int],
        on_change: Callable[[], None],
    ) -> None:
        """`peers()` gives who may be asked now, `port()` where they are to connect."""
        self._ask = ask
        self._peers = peers
        self._port = port
        self._on_change = on_change
        self._wake = asyncio.Event()
        self._anew = asyncio.Event()
        self._backoff = Backoff(FIRST_RETRY_MS, LAST_RETRY_MS, random)
        self.tally = Tally()

    def begin_anew(self) -> None:
        """Something has changed that the tally rests on: it counts no more, ask again."""
        self.tally = Tally()
        self._anew.set()
        self._wake.set()

    def on_peer(self) -> None:
        """There is one more to ask: do so unless enough have answered well."""
        if not self.tally.reached or self.tally.confirmed + self.tally.failed < VERIFIERS:
            self._wake.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        now = asyncio.get_running_loop().time
        delay: float | None = None
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            if self._anew.is_set():
                # New circumstances, new hope; one more peer is none.
                self._anew.clear()
                self._backoff.reset()
            begun = now()
            delay = await self._check()
            if not self._anew.is_set():
                await asyncio.sleep(begun + LEAST_GAP_S - GATHER_S - now())

    async def _check(self) -> float | None:
        """Ask once; return after how many seconds to ask again, None for: when there are peers."""
        peers = self._peers()
        if not peers:
            return AGAIN_S if self.tally.reached else None
        found = await self._unless_anew(self._ask(peers, self._port()))
        if found is None:
            return None  # there is a reason to wake up already
        if found.reached is not None:
            self.tally = found
            self._on_change()
        if found.reached:
            self._backoff.reset()
            return AGAIN_S
        return self._backoff.next_ms() / 1000

    async def _unless_anew(self, asking: Awaitable[Tally]) -> Tally | None:
        """Return what comes of a round, None where its question no longer stands."""
        round_ = asyncio.ensure_future(asking)
        anew = asyncio.ensure_future(self._anew.wait())
        try:
            await asyncio.wait({round_, anew}, return_when=asyncio.FIRST_COMPLETED)
            return None if self._anew.is_set() else round_.result()
        finally:
            anew.cancel()
            round_.cancel()
