"""Port mapping at every gateway of this host: follows the network, deletes at the end."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress

from edgenode.core.ip import kind, parse_ip
from edgenode.reach.gateways import Network
from edgenode.reach.keptports import KeptPorts
from edgenode.reach.method import NAT_PMP, UPNP, Gateway, MappingFailed, Method, Wish
from edgenode.reach.portstate import Kept, PortStore
from edgenode.reach.site import Box, Site
from edgenode.reach.telling import log_change
from edgenode.reach.view import View
from edgenode.reach.wanted import Wanted, wishes

# SIGTERM to deleted mappings is 500 ms; all gateways are told at once.
CLOSE_S = 0.45

# Links die together where a gateway reboots; one verification answers for all of them.
LINKS_SETTLE_S = 1.0

# How long a new mapping waits until that of another method, left by a killed process, is deleted:
# they may stand for the same port. UPnP needs a search for it, of about 100 ms.
CLEAN_S = 0.3

log = logging.getLogger(__name__)


class PortMapper:
    """Maps a port at all gateways; `start` it, and `close` it to delete the mappings."""

    def __init__(
        self,
        wanted: Wanted,
        *,
        methods: Sequence[str],
        bound_to: str,
        make_method: Callable[[str, Gateway], Method],
        find_network: Callable[[], Network],
        store: PortStore,
        on_change: Callable[[View], None],
    ) -> None:
        """`methods`: names, the best first; with none no gateway is asked for anything.

        `bound_to` is the address that the port listens on, "" for all. `find_network` may raise
        `OSError`. `on_change(view)` is called in the loop whenever the view has changed, not for a
        renewal.
        """
        self._wanted = wanted
        self._methods = tuple(dict.fromkeys(methods))
        self._bound_to = bound_to
        self._make_method = make_method
        self._find_network = find_network
        self._kept = KeptPorts(store)
        self._on_change = on_change
        self._network = Network((), (), ())
        self._sites: dict[Gateway, tuple[Site, asyncio.Task[None]]] = {}
        self._cleaned: dict[Gateway, Kept] = {}
        self._running = False
        self._told: View | None = None
        self._links_timer: asyncio.TimerHandle | None = None
        self._work: set[asyncio.Task[None]] = set()

    @property
    def view(self) -> View:
        """What mapping has come to so far."""
        sites = [site for site, _ in self._sites.values()]
        return View(
            asked=bool(self._methods),
            settled=self._running and all(site.settled for site in sites),
            gateways=self._network.gateways,
            own_addresses=self._network.own_addresses,
            own_ipv6=self._network.own_ipv6,
            mappings=tuple(site.mapping for site in sites if site.mapping is not None),
            failures=tuple(failure for site in sites for failure in site.failures),
        )

    async def start(self) -> None:
        """Begin: ask all gateways that there are."""
        if self._methods:
            await self._kept.load()
        self._running = True
        self.look(broke=False)
        self._tell()

    def look(self, *, broke: bool) -> None:
        """The network may have changed; `broke`: something went away, if only for a moment."""
        if not self._running:
            return
        try:
            network = self._find_network()
        except OSError as error:
            log.warning(
                "the gateways are not known: %s", error, extra={"event": "gateways-unknown"}
            )
            return
        moved = network.gateways != self._network.gateways
        self._network = network
        asked = [gateway for gateway in network.gateways if self._is_asked(gateway)]
        for gateway in [gateway for gateway in self._sites if gateway not in asked]:
            self._cleaned.pop(gateway, None)
            self._begin(_end(*self._sites.pop(gateway)))
        for site, _ in self._sites.values():
            if broke or moved:
                site.hint()
        boxes = {_box_of(gateway, asked): site.box for gateway, (site, _) in self._sites.items()}
        for gateway in asked:
            if gateway not in self._sites:
                box = boxes.setdefault(_box_of(gateway, asked), Box())
                site = self._new_site(gateway, box)
                self._sites[gateway] = (site, _watched(site.run()))
        self._tell()

    def hint(self, gateway_address: str) -> None:
        """A gateway seems to have announced itself: ask whether our mappings are still there."""
        sites = [site for site, _ in self._sites.values()]
        boxes = [site.box for site in sites if site.gateway.address == gateway_address]
        for site in sites:
            if site.box in boxes:
                site.hint()

    def unchanged(self, gateway_address: str) -> None:
        """A gateway has told everyone by SSDP that it is still there, and has not booted."""
        for site, _ in self._sites.values():
            if site.gateway.address == gateway_address:
                site.unchanged()

    def on_link_lost(self) -> None:
        """A link has died, of which a gateway that rebooted may be the cause."""
        if self._links_timer is None and self._running:
            loop = asyncio.get_running_loop()
            self._links_timer = loop.call_later(LINKS_SETTLE_S, self._verify_all)

    async def close(self) -> None:
        """Delete the mappings, within CLOSE_S, and end."""
        self._running = False
        if self._links_timer is not None:
            self._links_timer.cancel()
        sites = list(self._sites.values())
        await _cancelled([*(task for _, task in sites), *self._work])
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*(site.delete() for site, _ in sites))
        for site, _ in sites:
            await site.close()
        await self._kept.saved()

    def _verify_all(self) -> None:
        self._links_timer = None
        for site, _ in self._sites.values():
            site.hint()

    def _is_asked(self, gateway: Gateway) -> bool:
        if not self._bound_to:
            return bool(self._methods)
        bound = parse_ip(self._bound_to)
        if bound is not None and kind(bound) == "unspecified":  # all, of that family
            return bool(self._methods) and gateway.ipv6 == (":" in self._bound_to)
        return bool(self._methods) and gateway.own_address == self._bound_to

    def _new_site(self, gateway: Gateway, box: Box) -> Site:
        # NAT-PMP is for IPv4 alone.
        names = [name for name in self._methods if not (gateway.ipv6 and name == NAT_PMP)]
        return Site(
            gateway,
            [self._make_method(name, gateway) for name in names],
            box,
            wishes=lambda: wishes(
                self._wanted, gateway, self._kept.find(gateway), self._kept.nonce
            ),
            before_map=self._before_map,
            on_change=self._on_site,
        )

    async def _before_map(self, method: Method, wish: Wish) -> None:
        """Have the nonce on the disk, and what was mapped in another way out of the way."""
        await self._kept.saved()
        kept = self._kept.find(method.gateway)
        if kept is None or _is_renewed(kept, method, wish):
            return
        if self._cleaned.get(method.gateway) != kept:
            self._cleaned[method.gateway] = kept
            cleaning = self._begin(self._clean(kept, method.gateway, wish))
            await asyncio.wait([cleaning], timeout=CLEAN_S)

    async def _clean(self, kept: Kept, gateway: Gateway, wish: Wish) -> None:
        """Delete a mapping that is left from earlier, by its own method."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        old = wish._replace(
            internal_port=kept.internal_port,
            external_port=kept.grant.external_port,
            protocol=kept.protocol,
        )
        method = self._make_method(kept.method, gateway)
        try:
            await method.unmap(old, kept.grant)
        except MappingFailed as failed:
            log.debug("an earlier mapping by %s was not deleted: %s", kept.method, failed)
        else:
            found = self._sites.get(gateway)
            if found is not None and loop.time() - began_s >= CLEAN_S:
                found[0].map_again()  # it may have stood for the port that was mapped meanwhile
        finally:
            await method.close()

    def _on_site(self, site: Site) -> None:
        if site.won is not None:
            self._kept.keep(
                Kept(
                    gateway=site.gateway.address,
                    ipv6=site.gateway.ipv6,
                    own_address=site.gateway.own_address,
                    method=site.won.method.name,
                    protocol=self._wanted.protocol,
                    internal_port=self._wanted.internal_port,
                    grant=site.won.grant._replace(epoch_s=None, boot=""),
                )
            )
        self._tell()

    def _tell(self) -> None:
        view = self.view
        plain = view._replace(mappings=tuple(one._replace(lifetime_s=0) for one in view.mappings))
        if self._running and plain != self._told:
            before, self._told = self._told, plain
            log_change(before, view)
            self._on_change(view)

    def _begin(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = _watched(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task


def _is_renewed(kept: Kept, method: Method, wish: Wish) -> bool:
    """Tell whether mapping `wish` by `method` takes the place of what is kept."""
    if (kept.method, kept.internal_port, kept.protocol) != (
        method.name,
        wish.internal_port,
        wish.protocol,
    ):
        return False
    # In UPnP it is the external port that names a mapping.
    return method.name != UPNP or wish.external_port == kept.grant.external_port


def _box_of(gateway: Gateway, gateways: Sequence[Gateway]) -> tuple[str, str]:
    """Name the router behind a gateway's address.

    The IPv6 side is taken for the same box as the IPv4 gateway of that interface, if it has one.
    """
    if gateway.ipv6:
        ipv4 = {
            other.address
            for other in gateways
            if not other.ipv6 and other.interface == gateway.interface
        }
        if len(ipv4) == 1:
            return (gateway.interface, ipv4.pop())
    return (gateway.interface, gateway.address)


async def _end(site: Site, task: "asyncio.Task[None]") -> None:
    """End a site whose gateway has gone, or our address there, so that nobody can be asked."""
    await _cancelled([task])
    await site.close()


async def _cancelled(tasks: "Sequence[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _watched(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    def report(done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error(
                "port mapping has failed: %s", error, exc_info=error, extra={"event": "part-failed"}
            )

    task = asyncio.create_task(work)
    task.add_done_callback(report)
    return task
