"""The parts that ask routers for the peer port, joined."""

import asyncio
from collections.abc import Callable

from edgenode.core.ip import kind, parse_ip
from edgenode.daemon.config.sections import NatConfig, ServerConfig
from edgenode.daemon.greeting import AskedOfRouters
from edgenode.reach.announce import AnnounceListener
from edgenode.reach.gateways import find_network
from edgenode.reach.mapper import PortMapper
from edgenode.reach.method import NAT_PMP, PCP, UPNP, Gateway, Method
from edgenode.reach.natpmp import NatPmpMethod
from edgenode.reach.notify import NotifyListener
from edgenode.reach.pcp import PcpMethod
from edgenode.reach.telling import NAMES
from edgenode.reach.upnp import UpnpMethod
from edgenode.reach.view import View
from edgenode.reach.wanted import Wanted
from edgenode.reach.watch import NetworkWatch
from edgenode.store.database import Database
from edgenode.store.ports import PortTable

# How a link ends when the way to the peer is lost, not by anyone's decision.
_DEAD = ("cut", "too-slow")


class PortMapping:
    """Port mapping as the settings want it; `start` it, and `close` it to delete the mappings."""

    def __init__(
        self,
        *,
        nat: NatConfig,
        server: ServerConfig,
        ws_port: int,
        database: Database,
        on_view: Callable[[View], None],
    ) -> None:
        """`ws_port` is the one bound; `on_view(view)` is called with each change of the view."""
        self._on_view = on_view
        self._upnp_turn = asyncio.Lock()
        self._by_upnp = UPNP in _methods(nat, server)
        self._mapper = PortMapper(
            Wanted(nat.port or ws_port, nat.public, nat.ttl, nat.description, nat.protocol),
            methods=_methods(nat, server),
            bound_to=server.ws_bind,
            make_method=self._method,
            find_network=find_network,
            store=PortTable(database),
            on_change=self._on_change,
        )
        self._watch = NetworkWatch(
            lambda: {gateway.interface for gateway in self._mapper.view.gateways},
            lambda broke: self._mapper.look(broke=broke),
        )
        self._announces = AnnounceListener(lambda address, _: self._mapper.hint(address))
        self._notifies = NotifyListener(self._mapper.hint, self._mapper.unchanged)
        self._listening: tuple[Gateway, ...] = ()
        self._silent: tuple[Gateway, ...] = ()

    async def start(self) -> None:
        """Ask the routers, and follow what becomes of the network."""
        self._watch.start()
        await self._mapper.start()

    def on_link_end(self, reason: str) -> None:
        """A link ended; that it died may be the router's fault."""
        if reason in _DEAD:
            self._mapper.on_link_lost()

    async def close(self) -> None:
        """Delete the mappings, within half a second, and let go of everything."""
        self._watch.close()
        self._announces.close()
        self._notifies.close()
        await self._mapper.close()

    def _on_change(self, view: View) -> None:
        if view.asked:  # whoever asks no gateway has no use for what they announce
            self._listen(view)
        self._on_view(view)

    def _listen(self, view: View) -> None:
        if view.gateways != self._listening:
            self._listening = view.gateways
            self._announces.listen(view.gateways)
        # Those that map by PCP or NAT-PMP announce by these.
        heard = {entry.gateway for entry in view.mappings if entry.method != UPNP}
        silent = tuple(gateway for gateway in view.gateways if gateway.address not in heard)
        if silent != self._silent:
            self._silent = silent
            self._notifies.listen(silent if self._by_upnp else ())

    def _method(self, name: str, gateway: Gateway) -> Method:
        if name == PCP:
            return PcpMethod(gateway)
        if name == NAT_PMP:
            return NatPmpMethod(gateway)
        return UpnpMethod(gateway, turn=self._upnp_turn)


def asked_of_routers(nat: NatConfig, server: ServerConfig, ws_port: int) -> AskedOfRouters:
    """Return what is asked of which routers, for a person to read."""
    try:
        gateways = find_network().gateways
    except OSError:
        gateways = ()
    return AskedOfRouters(
        routers=list(dict.fromkeys(gateway.address for gateway in gateways)),
        methods=[NAMES[name] for name in _methods(nat, server)],
        protocol=nat.protocol,
        port=nat.public or nat.port or ws_port,
    )


def _methods(nat: NatConfig, server: ServerConfig) -> tuple[str, ...]:
    """Return the names of the methods that may be used; () where no router is to be asked."""
    bound = parse_ip(server.ws_bind)
    if bound is not None and kind(bound) == "loopback":  # nobody else could reach it anyhow
        return ()
    return nat.methods if server.upnp and nat.enabled and not nat.private else ()
