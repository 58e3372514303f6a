"""DNS seeds: names whose records list nodes.

A seed is asked for A and AAAA (nodes at the default peer port) and for SRV at `_edgenode._tcp`
below it (nodes at any port, with priorities and weights). The three are questions of their own:
what one gives is told at once, and that another fails does it no harm.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from edgenode.core.backoff import Backoff
from edgenode.core.dns import AAAA, NXDOMAIN, SRV, A, Answer
from edgenode.core.ip import format_ip, from_mapped, kind
from edgenode.discover.resolver import ResolveFailed
from edgenode.discover.sighting import DNS, OnSighting, Sighting
from edgenode.discover.spread import Place, in_order, spread

DEFAULT_PORT = 4242
"""The peer port of nodes that are listed by their address alone."""

SERVICE = "_edgenode._tcp"

MAX_SIGHTINGS = 16
"""Of one question, so 48 of a seed in a round: as many nodes as one links to by itself."""

MAX_TARGETS = 16
"""Of the services, in their order: each costs two questions."""

TARGETS_AT_ONCE = 4
"""That a seed with dead ones keeps no place of the resolver's from the others."""

FIRST_RETRY_S = 5.0
"""A lonely node asks again after this and a delay that grows up to `query_interval`."""

MIN_GAP_S = 2.0
MAX_GAP_S = 60.0
"""Between two questions to a seed, however often we are woken: a network that comes up changes a
few times in a second or two, one that flaps for hours may not make a flood of it."""

JITTER = 0.1
"""Of `query_interval`, each way: nodes started together are not to ask together for ever."""

_MDNS = "local"
# Nobody outside can speak for these: they are in no public zone (RFC 6761 and 8375, ICANN's
# .internal, RFC 6762 appendix G for those that home routers made their own).
_OWN_ZONES = ("internal", "home.arpa", "test", "lan", "home", "corp", "private", "intranet")
_OWN_KINDS = ("global", "private", "ula", "cgnat")

log = logging.getLogger(__name__)


class Resolves(Protocol):
    """Who answers for the DNS: `Resolver`."""

    async def ask(self, name: str, rtype: int) -> Answer:
        """Return an answer, or raise `ResolveFailed`."""
        ...


class Seeds:
    """Asks the seeds, each at its own pace; `run` it.

    Told are global addresses. Private ones are told where seed and target are names that no public
    zone holds, so that a seed on the Internet cannot send us to the neighbours' printers. Never
    told are loopback, link-local, multicast and reserved addresses.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        resolver: Resolves,
        on_sighting: OnSighting,
        is_lonely: Callable[[], bool],
        query_interval_s: float,
        random: Callable[[], float],
    ) -> None:
        """`names`: as in the settings. `is_lonely()`: the node has no link to anyone.

        `random` gives floats in [0, 1).
        """
        self._resolver = resolver
        self._on_sighting = on_sighting
        self._is_lonely = is_lonely
        self._query_interval_s = query_interval_s
        self._random = random
        # "Example.org." and "example.org" are one seed.
        plain = dict.fromkeys(name.lower().removesuffix(".") for name in names)
        self._seeds = {name: asyncio.Event() for name in plain}

    async def run(self) -> None:
        """Ask now, then now and then, until cancelled; returns at once where there is no seed."""
        async with asyncio.TaskGroup() as group:
            for name, woken in self._seeds.items():
                if _is_in(name, (_MDNS,)):
                    _tell_failure(name, "names in .local are found by mDNS, not by DNS")
                else:
                    group.create_task(self._follow(name, woken))

    def wake(self) -> None:
        """Ask soon: the network has changed, or the last link was lost.

        To be called at the change, not for as long as it lasts.
        """
        for woken in self._seeds.values():
            woken.set()

    async def _follow(self, seed: str, woken: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        ceiling_ms = int(max(FIRST_RETRY_S, self._query_interval_s) * 1000)
        retries = Backoff(int(FIRST_RETRY_S * 1000), ceiling_ms, self._random)
        gap_s = MIN_GAP_S
        failing: bool | None = None
        while True:
            woken.clear()
            asked_s = loop.time()
            count, failure = await self._ask(seed)
            if failing is not bool(failure):
                failing = bool(failure)
                if failing:
                    _tell_failure(seed, failure)
                else:
                    log.info("the DNS seed %s gives nodes (%d)", seed, count)
            if await self._is_woken(woken, asked_s, retries):
                await asyncio.sleep(asked_s + gap_s - loop.time())
                gap_s = min(2 * gap_s, MAX_GAP_S)
                retries.reset()
            elif loop.time() - asked_s > MAX_GAP_S:
                gap_s = MIN_GAP_S

    async def _is_woken(self, woken: asyncio.Event, asked_s: float, retries: Backoff) -> bool:
        """Wait until the seed is to be asked again; tell whether because we are woken."""
        loop = asyncio.get_running_loop()
        # What was just told is being dialled; then it shows whether it was of use.
        if await _is_set(woken, FIRST_RETRY_S + retries.next_ms() / 1000):
            return True
        if self._is_lonely():
            return False
        retries.reset()
        spread_s = JITTER * self._query_interval_s
        due_s = asked_s + self._query_interval_s + spread_s * (2 * self._random() - 1)
        return await _is_set(woken, due_s - loop.time())

    async def _ask(self, seed: str) -> tuple[int, str]:
        """Ask once, telling what is found; return how much that is, and why it is nothing."""
        told: set[Place] = set()
        failures = await asyncio.gather(
            self._tell_addresses(seed, A, told),
            self._tell_addresses(seed, AAAA, told),
            self._tell_services(seed, told),
        )
        if told:
            return len(told), ""
        return 0, next(filter(None, failures), "it names no node that could be dialled")

    async def _tell_addresses(self, seed: str, rtype: int, told: set[Place]) -> str:
        try:
            addresses = await self._addresses(seed, seed, rtype)
        except ResolveFailed as error:
            return str(error)
        self._tell(seed, [(address, DEFAULT_PORT) for address in addresses], told)
        return ""

    async def _tell_services(self, seed: str, told: set[Place]) -> str:
        try:
            answer = await self._resolver.ask(f"{SERVICE}.{seed}", SRV)
        except ResolveFailed as error:
            return str(error)
        # Without a target it is said that there is none; nobody listens at port 0.
        services = [entry for entry in answer.services if entry.target and entry.port]
        chosen = in_order(services, self._random)[:MAX_TARGETS]
        turns = asyncio.Semaphore(TARGETS_AT_ONCE)
        found = await asyncio.gather(
            *(self._addresses_of(seed, entry.target, turns) for entry in chosen)
        )
        places = [
            (address, entry.port)
            for entry, addresses in zip(chosen, found, strict=True)
            for address in addresses
        ]
        self._tell(seed, places, told)
        return ""

    async def _addresses_of(self, seed: str, target: str, turns: asyncio.Semaphore) -> list[bytes]:
        """Return the addresses of a service's target; none where there is no answer."""
        found: list[bytes] = []
        async with turns:
            asked = await asyncio.gather(
                self._addresses(seed, target, A),
                self._addresses(seed, target, AAAA),
                return_exceptions=True,
            )
        for addresses in asked:
            if isinstance(addresses, list):
                found += addresses
            elif not isinstance(addresses, ResolveFailed):
                raise addresses
        return found

    async def _addresses(self, seed: str, name: str, rtype: int) -> list[bytes]:
        """Return some addresses of `name` to dial, by lot; raises `ResolveFailed`."""
        if _is_in(name, (_MDNS,)):
            return []
        answer = await self._resolver.ask(name, rtype)
        if answer.result == NXDOMAIN and name == seed:
            raise ResolveFailed("there is no such name")
        own = _is_in(seed, _OWN_ZONES) and _is_in(name, _OWN_ZONES)
        kinds = _OWN_KINDS if own else ("global",)
        usable = [entry for entry in map(from_mapped, answer.addresses) if kind(entry) in kinds]
        keyed = sorted((self._random(), address) for address in usable)
        kept = spread([(address, 0) for _, address in keyed], MAX_SIGHTINGS)
        return [address for address, _ in kept]

    def _tell(self, seed: str, places: Sequence[Place], told: set[Place]) -> None:
        for place in spread(places, MAX_SIGHTINGS):
            if place not in told:
                told.add(place)
                address, port = place
                self._on_sighting(Sighting(DNS, format_ip(address), port, "", seed))


def _is_in(name: str, zones: tuple[str, ...]) -> bool:
    folded = name.lower()
    return any(folded == zone or folded.endswith(f".{zone}") for zone in zones)


async def _is_set(event: asyncio.Event, timeout_s: float) -> bool:
    """Wait for the event; tell whether it came in time."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _tell_failure(seed: str, failure: str) -> None:
    log.warning("the DNS seed %s gives no nodes: %s", seed, failure, extra={"event": "seed-failed"})
