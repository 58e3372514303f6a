"""Mapping a port, or opening a pinhole, by UPnP: Internet Gateway Device, versions 1 and 2."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from edgenode.core.ip import is_global
from edgenode.reach.igd import connection, pinhole, ssdp
from edgenode.reach.igd.control import (
    CONFLICT,
    INVALID_ARGS,
    PERMANENT_ONLY,
    SAME_PORT_ONLY,
    SoapFault,
)
from edgenode.reach.igd.description import Service
from edgenode.reach.igd.finding import find_services
from edgenode.reach.igd.soap import ACTION_FAILED
from edgenode.reach.igd.verifying import ask_boot
from edgenode.reach.method import UPNP, Gateway, Grant, MappingFailed, Offer, Wish

T = TypeVar("T")

# Some gateways answer a search after 7 s.
SEARCH_S = 8.0
# As many calls as a mapping can take on a gateway that needs 1 s for each.
CALLS_S = 8.0
MAP_S = SEARCH_S + CALLS_S
UNMAP_S = 2.0

# Where a gateway takes neither the wished-for lease nor an endless one.
FALLBACK_LEASE_S = 7200

# A gateway whose WAN is coming up tells 0.0.0.0 for a moment.
ASK_AGAIN_S = 0.2

_VERSION_WITH_ANY = 2
_MIN_PORT = 1024


class UpnpMethod:
    """UPnP at one gateway; a `Method`.

    For a gateway of IPv6, a mapping is a pinhole for its `own_address`, and the grant's handle its
    id. All packets go to the gateway's address, from our own address there, but for the searches'
    multicasts. `turn` is one lock for all gateways, since some cannot stand a search by IPv4 and
    one by IPv6 at a time.

    A renewal (`map` with the earlier grant) is one call and no more: the external address in it is
    the last known; `probe` asks for it anew.
    """

    name = UPNP

    def __init__(
        self, gateway: Gateway, *, turn: asyncio.Lock | None = None, search_s: float = SEARCH_S
    ) -> None:
        self.gateway = gateway
        self._turn = turn or asyncio.Lock()
        self._search_s = search_s
        self._service: Service | None = None
        self._external: str | None = None
        self._answer: ssdp.Answer | None = None  # that which led to the service
        self._way = ssdp.GATEWAY

    async def probe(self) -> Offer:
        """Search the gateway anew, and ask for its external address.

        Ends within `search_s` where nobody answers, else within 8 s more.
        """
        async with _deadline(self._search_s + CALLS_S):
            await self._find()
            return Offer(self._external, None, self._boot)

    async def verify(self) -> Offer:
        """Ask by SSDP which boot of the gateway's it is; "" where it does not tell that."""
        if self._boot and self._answer is not None:
            seen = await ask_boot(self.gateway, self._turn, self._answer, self._way)
            self._answer, self._way = seen
        return Offer(None, None, self._boot)

    async def map(self, wish: Wish, earlier: Grant | None) -> Grant:
        """Map the port, or renew its mapping, within MAP_S."""
        make = self._open if self.gateway.ipv6 else self._map
        async with _deadline(MAP_S):
            return await self._at_service(lambda service: make(service, wish, earlier))

    async def unmap(self, wish: Wish, grant: Grant) -> None:
        """Delete the mapping within UNMAP_S."""

        async def delete(service: Service) -> None:
            if self.gateway.ipv6:
                await pinhole.delete(self.gateway, service, grant.handle)
            else:
                await connection.delete(self.gateway, service, grant.external_port, wish.protocol)

        async with _deadline(UNMAP_S):
            await self._at_service(delete)

    async def close(self) -> None:
        """Forget the gateway's services; nothing is held between calls."""
        self._service = None

    @property
    def _boot(self) -> str:
        return self._answer.boot if self._answer is not None else ""

    async def _at_service(self, act: Callable[[Service], Awaitable[T]]) -> T:
        """Act on the known service; where it does not answer, on what a new search finds."""
        if self._service is not None:
            try:
                return await act(self._service)
            except MappingFailed as failure:
                # Gateways take another port at each start.
                if failure.reason not in ("no-answer", "malformed"):
                    raise
        return await act(await self._find())

    async def _find(self) -> Service:
        self._service = None
        found = await find_services(self.gateway, self._turn, self._search_s)
        self._service, self._answer = found.services[0], found.answer
        if not self.gateway.ipv6:
            self._external = None
            await self._choose(found.services)
        return self._service

    async def _choose(self, services: list[Service]) -> None:
        """Take the connection that has an address: a gateway may list some that are not in use."""
        for service in services:
            address = await connection.external_address(self.gateway, service)
            if address is not None and (self._external is None or is_global(address)):
                self._service, self._external = service, address
            if address is not None and is_global(address):
                return

    async def _map(self, service: Service, wish: Wish, earlier: Grant | None) -> Grant:
        # A gateway that knows endless leases alone has said so before.
        lease_s = 0 if earlier is not None and earlier.lifetime_s == 0 else wish.lifetime_s
        port = wish.external_port if earlier is None else earlier.external_port
        try:
            port, lease_s = await self._add(service, wish, port, lease_s)
        except SoapFault as fault:
            raise await self._explained(service, fault) from None
        if earlier is not None and earlier.external_port == port:
            return Grant(self._external, port, lease_s, None, boot=self._boot)
        lease_s = await self._read_back(service, wish, port, lease_s)
        if self._external is None:
            await asyncio.sleep(ASK_AGAIN_S)
            self._external = await connection.external_address(self.gateway, service)
        return Grant(self._external, port, lease_s, None, boot=self._boot)

    async def _add(self, service: Service, wish: Wish, port: int, lease_s: int) -> tuple[int, int]:
        """Add a mapping of `port` with what the gateway can take: its port, and its lease."""
        # 0 would be every port of the gateway's, and those of the system are not for us.
        if port < _MIN_PORT:
            raise MappingFailed("failed", f"port {port} is not asked for")
        tried: set[int] = set()
        while True:
            tried.add(lease_s)
            try:
                await connection.add(self.gateway, service, wish, port, lease_s)
            except SoapFault as fault:
                other = _other_lease(fault.code, lease_s)
                if other is not None and other not in tried:
                    lease_s = other
                elif fault.code == SAME_PORT_ONLY and port != wish.internal_port >= _MIN_PORT:
                    port = wish.internal_port
                    tried.clear()
                elif fault.code == INVALID_ARGS:
                    raise MappingFailed(
                        "no-room", "402 for any lease: its table is full, or it takes no mapping"
                    ) from None
                elif fault.code == CONFLICT and service.version >= _VERSION_WITH_ANY:
                    return await self._add_any(service, wish, port, lease_s), lease_s
                else:
                    raise
            else:
                return port, lease_s

    async def _add_any(self, service: Service, wish: Wish, port: int, lease_s: int) -> int:
        try:
            return await connection.add_any(self.gateway, service, wish, port, lease_s)
        except SoapFault as fault:
            raise MappingFailed("conflict", str(fault)) from None

    async def _read_back(self, service: Service, wish: Wish, port: int, lease_s: int) -> int:
        """Look whether the mapping is there, and give its lease: some say yes to anything."""
        try:
            entry = await connection.entry(self.gateway, service, port, wish.protocol)
        except (SoapFault, MappingFailed):
            return lease_s  # it does not tell; whoever dials us will
        if entry is None:
            raise MappingFailed("failed", "it has answered yes, and made no mapping")
        if (entry.client, entry.port) != (self.gateway.own_address, wish.internal_port):
            raise MappingFailed("conflict", f"the port is mapped to {entry.client}:{entry.port}")
        if not entry.enabled:
            raise MappingFailed("refused", "it has made the mapping, disabled")
        # A lease that is longer, or endless, is renewed all the same: the number may be made up.
        if lease_s and entry.lease_s:
            return min(entry.lease_s, lease_s)
        return lease_s or entry.lease_s

    async def _explained(self, service: Service, fault: SoapFault) -> MappingFailed:
        """Tell a gateway without a public address from one that fails for another reason."""
        failure = fault.failed()
        if fault.code != ACTION_FAILED:
            return failure
        self._external = await connection.external_address(self.gateway, service)
        if self._external is not None and is_global(self._external):
            return failure
        if self._external is None and not await connection.connected(self.gateway, service):
            return MappingFailed("network-down", f"{failure.detail}; its WAN is down")
        return MappingFailed("private-wan", failure.detail, self._external)

    async def _open(self, service: Service, wish: Wish, earlier: Grant | None) -> Grant:
        try:
            unique = earlier.handle if earlier is not None else ""
            if not unique or not await pinhole.update(self.gateway, service, wish, unique):
                unique = await pinhole.add(self.gateway, service, wish)
        except SoapFault as fault:
            raise fault.failed() from None
        own = self.gateway.own_address
        return Grant(own, wish.internal_port, pinhole.lease(wish), None, unique, self._boot)


def _other_lease(code: int, lease_s: int) -> int | None:
    """Give the lease to try after `code` was the answer to `lease_s`; None for none."""
    if code == PERMANENT_ONLY and lease_s:
        return 0
    if code == INVALID_ARGS:
        return 0 if lease_s else FALLBACK_LEASE_S
    return None


@asynccontextmanager
async def _deadline(seconds: float) -> AsyncIterator[None]:
    """Bound what is done within; whatever the gateway refuses comes out as `MappingFailed`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise MappingFailed("no-answer", "no answer in time") from None
    except SoapFault as fault:
        raise fault.failed() from None
