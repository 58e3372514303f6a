"""One address of ours behind one gateway: getting its mapping, keeping it, getting it again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from random import random

from edgenode.core.backoff import Backoff
from edgenode.reach.lease import VERIFY_S, Epoch, Lease
from edgenode.reach.method import PCP, Gateway, Grant, MappingFailed, Method, Offer, Wish
from edgenode.reach.pacing import HintBudget
from edgenode.reach.race import Won, race
from edgenode.reach.view import Failure, Mapping

# Where no method maps. A round costs about 20 datagrams when nobody answers; with full jitter
# the ceiling comes to two rounds an hour. News of the network and announces end the wait.
FIRST_RETRY_MS = 5_000
MAX_RETRY_MS = 3_600_000

# A gateway that no longer answers is most likely rebooting, which takes a minute or two; then it is
# gone, or blocks us, and is asked seldom until the lease is over.
TROUBLE_FIRST_MS = 2_000
TROUBLE_MAX_MS = 30_000
TROUBLE_S = 600.0
SLOW_TROUBLE_MS = 600_000

# A timer may fire a hair too early.
TICK_S = 0.001

# Reasons that may pass by themselves, so that the mapping is not given up before its lease is.
PASSING = ("no-answer", "network-down", "failed", "malformed")

log = logging.getLogger(__name__)


class Box:
    """What stands behind the gateway addresses of one router: they are verified in turn.

    Its IPv4 and IPv6 side reboot together, so an exchange with one verifies the other.
    """

    def __init__(self) -> None:
        self.sites: list[Site] = []
        self.verified_s = float("-inf")

    def is_turn_of(self, site: "Site") -> bool:
        """Tell whether the next verification is `site`'s: it is the next to renew."""
        due = [(other.renew_s, place) for place, other in enumerate(self.sites)]
        return site.renew_s < float("inf") and self.sites[min(due)[1]] is site

    def lost_mappings(self, seen_by: "Site") -> None:
        """It has rebooted: all but `seen_by`, who knows, map again at once."""
        for site in self.sites:
            if site is not seen_by:
                site.map_again()


class Site:
    """Holds the mapping of one address at one gateway; `run` it until it is no longer there."""

    def __init__(
        self,
        gateway: Gateway,
        methods: Sequence[Method],
        box: Box,
        *,
        wishes: Callable[[], list[Wish]],
        before_map: Callable[[Method, Wish], Awaitable[None]],
        on_change: Callable[["Site"], None],
    ) -> None:
        """`methods`: the best first. `wishes()`: the ports to try, the best first.

        `before_map(method, wish)` is awaited before each request for a new mapping.
        `on_change(site)` is called after each grant and each failure to get one.
        """
        self.gateway = gateway
        self.methods = methods
        self.mapping: Mapping | None = None
        self.failures: tuple[Failure, ...] = ()
        self.settled = False
        self.won: Won | None = None
        self._asking: tuple[Method, Wish] | None = None
        self.box = box
        self._wishes = wishes
        self._before_map = before_map
        self._on_change = on_change
        self._lease: Lease | None = None
        self._epoch = Epoch()
        self._wake = asyncio.Event()
        self._map_now = False
        self._budget: HintBudget | None = None
        self._hint_timer: asyncio.TimerHandle | None = None
        box.sites.append(self)

    @property
    def renew_s(self) -> float:
        """When it renews, where an answer verifies the whole box; else infinite."""
        if self._lease is None or self.won is None or not _shows_boots(self.won.grant):
            return float("inf")
        return self._lease.renew_s

    def hint(self) -> None:
        """Something speaks for asking the gateway again, as soon as the budget of hints allows."""
        if self._hint_timer is not None:
            return
        loop = asyncio.get_running_loop()
        self._budget = self._budget or HintBudget(loop.time())
        wait_s = self._budget.take(loop.time())
        self._hint_timer = loop.call_later(wait_s, self._follow_hint)

    def unchanged(self) -> None:
        """The gateway tells by SSDP that it has not booted: as good as its answer to a search."""
        if all(site.won is None or site.won.grant.boot for site in self.box.sites):
            self.box.verified_s = asyncio.get_running_loop().time()

    def map_again(self) -> None:
        """The gateway is known to have lost its mappings."""
        self._map_now = True
        self._wake.set()

    async def run(self) -> None:
        """Map, and keep it mapped, until cancelled; nothing is deleted then."""
        backoff = Backoff(FIRST_RETRY_MS, MAX_RETRY_MS, random)
        while True:
            self._map_now = False
            self._wake.clear()
            if await self._map():
                backoff.reset()
                await self._keep()
            elif await self._sleep(backoff.next_ms() / 1000):
                backoff.reset()

    async def delete(self) -> None:
        """Delete the mapping, once `run` has ended, and one that may just have been made."""
        asked = [(self.won.method, self.won.wish, self.won.grant)] if self.won else []
        if self._asking is not None:
            method, wish = self._asking
            asked.append((method, wish, Grant(None, wish.external_port, wish.lifetime_s, None)))
        for method, wish, grant in asked:
            try:
                await method.unmap(wish, grant)
            except MappingFailed as failed:
                log.info(
                    "the mapping at gateway %s stays until its lease ends: %s",
                    self.gateway.address,
                    failed,
                )

    async def close(self) -> None:
        """Let go of what the methods hold."""
        if self._hint_timer is not None:
            self._hint_timer.cancel()
        if self in self.box.sites:
            self.box.sites.remove(self)
        for method in self.methods:
            await method.close()

    def _follow_hint(self) -> None:
        self._hint_timer = None
        self._wake.set()

    async def _sleep(self, seconds: float) -> bool:
        """Return after `seconds`, or earlier if it is woken: then True."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    async def _map(self) -> bool:
        """Ask by all methods; tell whether one has mapped."""
        won, lost = await race(self.methods, self._wishes(), self._ask_to_map)
        self._asking = None
        if won is None:
            gateway = self.gateway
            self._settle(
                None,
                tuple(
                    Failure(
                        method.name,
                        gateway.address,
                        gateway.interface,
                        gateway.ipv6,
                        failure.reason,
                        failure.detail,
                        failure.external_address,
                    )
                    for method, failure in sorted(
                        lost, key=lambda one: self.methods.index(one.method)
                    )
                ),
            )
            return False
        self._hold(won)
        return True

    async def _ask_to_map(self, method: Method, wish: Wish) -> None:
        await self._before_map(method, wish)
        self._asking = (method, wish)

    def _hold(self, won: Won) -> None:
        """Take a grant, of a new mapping or of its renewal."""
        now_s = asyncio.get_running_loop().time()
        self._map_now = False
        self._lease = Lease(won.grant, now_s, random)
        self._note_boot(won.method, won.grant)
        before = self.won.grant.external_address if self.won else None
        external = won.grant.external_address or won.offer.external_address or before
        grant = won.grant._replace(external_address=external)
        self.won = won._replace(grant=grant)
        self._settle(
            Mapping(
                won.method.name,
                self.gateway.address,
                self.gateway.interface,
                self.gateway.ipv6,
                self.gateway.own_address,
                won.wish.internal_port,
                external,
                grant.external_port,
                grant.lifetime_s,
            ),
            (),
        )

    def _settle(self, mapping: Mapping | None, failures: tuple[Failure, ...]) -> None:
        if mapping is None:
            self.won = self._lease = None
        self.settled, self.mapping, self.failures = True, mapping, failures
        self._on_change(self)

    def _note_boot(self, method: Method, told: Offer | Grant) -> bool:
        """Take a reading of the epoch or boot; tell whether all mappings of the box are lost."""
        now_s = asyncio.get_running_loop().time()
        if _shows_boots(told):
            self.box.verified_s = now_s
        lost = self._epoch.read(method.name, told, now_s)
        if lost:
            self.box.lost_mappings(seen_by=self)
        return lost

    async def _keep(self) -> None:
        """Renew and verify; return when the mapping is to be got anew."""
        loop = asyncio.get_running_loop()
        trouble = Backoff(TROUBLE_FIRST_MS, TROUBLE_MAX_MS, random)
        slow = Backoff(SLOW_TROUBLE_MS, SLOW_TROUBLE_MS, random)
        trouble_since_s: float | None = None
        while True:
            assert self._lease is not None
            if trouble_since_s is None:
                woken = await self._wait_for_turn()
            else:
                early = loop.time() - trouble_since_s < TROUBLE_S
                wait_s = (trouble if early else slow).next_ms() / 1000
                woken = await self._sleep(min(wait_s, self._lease.expires_s - loop.time()))
            try:
                await self._ask_again(self._lease, woken=woken)
            except MappingFailed as failed:
                if failed.reason not in PASSING or loop.time() >= self._lease.expires_s:
                    return
                if trouble_since_s is None or woken:
                    trouble.reset()
                    trouble_since_s = loop.time()
            else:
                trouble.reset()
                trouble_since_s = None

    async def _wait_for_turn(self) -> bool:
        """Return when the lease is to be renewed or the box verified; True: because of a hint."""
        loop = asyncio.get_running_loop()
        while True:
            assert self._lease is not None
            lease, now_s = self._lease, loop.time() + TICK_S
            verify_s = float("inf")
            if self.renew_s < float("inf"):
                verify_s = self.box.verified_s + VERIFY_S
                if now_s >= verify_s:
                    if self.box.is_turn_of(self):
                        return False
                    verify_s = now_s + VERIFY_S  # the one whose turn it is does it now
            if now_s >= lease.renew_s and verify_s > lease.latest_s:
                return False
            next_s = min(verify_s, lease.renew_s) if now_s < lease.renew_s else verify_s
            if await self._sleep(next_s - loop.time()):
                return True

    async def _ask_again(self, lease: Lease, *, woken: bool) -> None:
        """Renew where that is due, or nothing cheaper tells; else verify by a probe."""
        assert self.won is not None
        won, now_s = self.won, asyncio.get_running_loop().time() + TICK_S
        epoch_s, verifiable = won.grant.epoch_s, _shows_boots(won.grant)
        if verifiable:
            self.box.verified_s = now_s  # so that no other site of the box asks, too
        # Where the epoch is so young that another reboot would hardly show in it, and after a hint
        # by PCP, it renews, which costs no more than a probe and does at once what may be needed.
        young = epoch_s is not None and epoch_s < VERIFY_S
        renew = self._map_now or young or now_s >= lease.renew_s
        if verifiable and not (woken or renew):
            offer = await won.method.verify()
            told = offer.external_address
            moved = told is not None and told != won.grant.external_address
            if not self._note_boot(won.method, offer) and not moved:
                return
            self._map_now = True  # until it has mapped, should the gateway not be able to yet
            won = won._replace(offer=offer)
        elif woken and not self._map_now and won.method.name != PCP:
            # Of the others only a probe tells a new external address, or what became of a gateway
            # without an epoch.
            won = won._replace(offer=await won.method.probe())
        self._hold(won._replace(grant=await won.method.map(won.wish, won.grant)))


def _shows_boots(told: Offer | Grant) -> bool:
    """Tell whether a reboot would show in a cheap exchange."""
    return told.epoch_s is not None or bool(told.boot)
