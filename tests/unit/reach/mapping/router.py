"""A router in memory: a table of mappings with leases, an epoch, and three ways to ask for one."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from edgenode.reach.method import NAT_PMP, PCP, UPNP, Gateway, Grant, MappingFailed, Offer, Wish

WAN = "81.2.69.142"
DEADLINE_S = 3.0
SEARCH_S = 8.0


class Entry(NamedTuple):
    """One line of the router's table."""

    method: str
    own_address: str
    internal_port: int
    nonce: bytes
    ends_s: float


class Router:
    """What it does is set by its attributes; `asked` counts the requests that left the host."""

    def __init__(self, wan: str = WAN) -> None:
        self.wan = wan
        self.shows_boot = True  # by UPnP; by the others it is the epoch that shows it
        self.speaks = {"pcp": 0.002, "nat-pmp": 0.003, "upnp": 0.08}  # seconds to an answer
        self.alive = True
        self.refusal: dict[str, MappingFailed] = {}
        self.lifetime: Callable[[int], int] = lambda asked_s: asked_s or 604_800
        self.taken: set[int] = set()  # external ports of others
        self.table: dict[int, Entry] = {}  # mappings by external port
        self.pinholes: dict[str, Entry] = {}
        self.asked: list[tuple[float, str, str]] = []  # time, method, what
        self.mapped_by: list[str] = []
        self.mapping: set[Gateway] = set()  # who asks for a mapping at the moment
        self._began_s = asyncio.get_running_loop().time()

    def reboot(self) -> None:
        self.table.clear()
        self.pinholes.clear()
        self._began_s = now()

    @property
    def boot(self) -> str:
        return f"since {self._began_s}" if self.shows_boot else ""

    def epoch(self) -> int:
        return int(now() - self._began_s)

    def live(self) -> dict[int, Entry]:
        self.table = {port: entry for port, entry in self.table.items() if entry.ends_s > now()}
        return self.table

    def count(self, what: str = "") -> int:
        return sum(1 for _, _, done in self.asked if what in done)

    async def answer(self, method: str, what: str, deadline_s: float) -> None:
        """Take the time of an exchange; raises where there is no answer."""
        self.asked.append((now(), method, what))
        delay_s = self.speaks.get(method)
        if not self.alive or delay_s is None:
            await asyncio.sleep(deadline_s)
            raise MappingFailed("no-answer", f"none within {deadline_s:g} s")
        await asyncio.sleep(delay_s)


class FakeMethod:
    """A `Method` at a Router."""

    def __init__(self, name: str, gateway: Gateway, router: Router) -> None:
        self.name = name
        self.gateway = gateway
        self.closed = False
        self._told = ""  # the external address, as of the last search
        self._router = router

    async def verify(self) -> Offer:
        if self.name != UPNP:
            return await self.probe()
        await self._router.answer(self.name, "verify", DEADLINE_S)
        return Offer(None, None, self._boot)

    @property
    def _boot(self) -> str:
        return self._router.boot if self.name == UPNP else ""

    @property
    def _epoch(self) -> int | None:
        return None if self.name == UPNP else self._router.epoch()

    async def probe(self) -> Offer:
        await self._router.answer(self.name, "probe", SEARCH_S if self.name == UPNP else DEADLINE_S)
        if (failed := self._router.refusal.get(f"{self.name} probe")) is not None:
            raise failed
        self._told = self._router.wan
        return Offer(None if self.name == PCP else self._router.wan, self._epoch, self._boot)

    async def map(self, wish: Wish, earlier: Grant | None) -> Grant:
        router = self._router
        assert self.gateway not in router.mapping, "two methods map at the same time"
        router.mapping.add(self.gateway)
        try:
            await router.answer(self.name, "renew" if earlier else "map", DEADLINE_S)
        except asyncio.CancelledError:
            self._enter(wish, earlier)  # the request was on its way
            raise
        finally:
            router.mapping.remove(self.gateway)
        if (failed := router.refusal.get(self.name)) is not None:
            raise failed
        port, lifetime_s = self._enter(wish, earlier)
        external: str | None = router.wan
        if earlier:  # PCP alone tells it each time
            external = {UPNP: self._told, NAT_PMP: None}.get(self.name, router.wan)
        if self.gateway.ipv6:
            external = self.gateway.own_address
        handle = "1" if self.gateway.ipv6 else ""
        return Grant(external, port, lifetime_s, self._epoch, handle, self._boot)

    def _enter(self, wish: Wish, earlier: Grant | None) -> tuple[int, int]:
        """Write it into the table; return its port and lifetime."""
        router = self._router
        port = self._port(wish, earlier)
        lifetime_s = router.lifetime(wish.lifetime_s)
        entry = Entry(
            self.name,
            self.gateway.own_address,
            wish.internal_port,
            wish.nonce,
            now() + (lifetime_s or float("inf")),
        )
        if self.gateway.ipv6:
            router.pinholes[self.gateway.own_address] = entry
        else:
            router.live()[port] = entry
        router.mapped_by.append(self.name)
        return port, lifetime_s

    def _port(self, wish: Wish, earlier: Grant | None) -> int:
        router = self._router
        if self.gateway.ipv6:
            return wish.internal_port
        asked = earlier.external_port if earlier else wish.external_port
        assert asked
        if self.name != UPNP:
            for port, entry in router.live().items():
                if (entry.method, entry.internal_port, entry.own_address, entry.nonce) == (
                    self.name,
                    wish.internal_port,
                    self.gateway.own_address,
                    wish.nonce,
                ):
                    return port
        there = router.live().get(asked)
        others = there is not None and (there.own_address, there.internal_port) != (
            self.gateway.own_address,
            wish.internal_port,
        )
        if asked not in router.taken and not others:
            return asked
        if self.name == UPNP:
            raise MappingFailed("conflict", "718")
        return max(router.taken | set(router.table)) + 1

    async def unmap(self, wish: Wish, grant: Grant) -> None:
        await self._router.answer(self.name, "unmap", 0.4)
        if self.gateway.ipv6:
            self._router.pinholes.pop(self.gateway.own_address, None)
            return
        for port, entry in list(self._router.table.items()):
            same_nonce = self.name != PCP or entry.nonce == wish.nonce
            named = port == grant.external_port if self.name == UPNP else True
            if entry.internal_port == wish.internal_port and same_nonce and named:
                del self._router.table[port]

    async def close(self) -> None:
        self.closed = True


def now() -> float:
    return asyncio.get_running_loop().time()
