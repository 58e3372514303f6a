"""A host in a home with a router, and the mapper that runs on it."""

import asyncio

from edgenode.reach.gateways import Network
from edgenode.reach.mapper import PortMapper
from edgenode.reach.method import Gateway
from edgenode.reach.view import View
from edgenode.reach.wanted import Wanted
from tests.unit.reach.mapping.router import FakeMethod, Router

GATEWAY = Gateway("192.168.1.1", "eth0", "192.168.1.20", ipv6=False)
ALL = ("pcp", "nat-pmp", "upnp")
PORT = 4242


class MemoryStore:
    """A PortStore that counts its writes."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.writes = 0
        self.save_s = 0.01
        self.error: Exception | None = None

    async def load(self) -> str | None:
        return self.text

    async def save(self, text: str) -> None:
        await asyncio.sleep(self.save_s)
        if self.error is not None:
            raise self.error
        self.text = text
        self.writes += 1


class Home:
    """`start()` a mapper, and a new one after `stop()` or `kill()`."""

    def __init__(self) -> None:
        self.router = Router()
        self.others: dict[Gateway, Router] = {}
        self.gateways: tuple[Gateway, ...] = (GATEWAY,)
        self.store = MemoryStore()
        self.views: list[View] = []
        self.methods: list[FakeMethod] = []
        self.mapper: PortMapper
        self._running = False
        self._news = asyncio.Event()

    def make_method(self, name: str, gateway: Gateway) -> FakeMethod:
        method = FakeMethod(name, gateway, self.router_of(gateway))
        self.methods.append(method)
        return method

    def router_of(self, gateway: Gateway) -> Router:
        return self.others.get(gateway, self.router)

    async def start(
        self,
        methods: tuple[str, ...] = ALL,
        wanted: Wanted | None = None,
        *,
        bound_to: str = "",
    ) -> PortMapper:
        self.mapper = PortMapper(
            wanted or Wanted(PORT, 0, 7200, "edgenode"),
            methods=methods,
            bound_to=bound_to,
            make_method=self.make_method,
            find_network=lambda: Network(
                self.gateways,
                tuple(one.own_address for one in self.gateways if not one.ipv6),
                tuple(one.own_address for one in self.gateways if one.ipv6),
            ),
            store=self.store,
            on_change=self._on_change,
        )
        self._running = True
        await self.mapper.start()
        return self.mapper

    async def mapped(self, methods: tuple[str, ...] = ALL, wanted: Wanted | None = None) -> View:
        """Start, and return the first view that is settled."""
        await self.start(methods, wanted)
        return await self.settled()

    async def settled(self) -> View:
        while not self.mapper.view.settled:
            self._news.clear()
            await self._news.wait()
        return self.mapper.view

    def _on_change(self, view: View) -> None:
        self.views.append(view)
        self._news.set()

    async def stop(self) -> None:
        if self._running:
            self._running = False
            await self.mapper.close()

    async def kill(self) -> None:
        """End the process without a chance to delete anything."""
        alive, self.router.alive = self.router.alive, False
        await self.stop()
        self.router.alive = alive
