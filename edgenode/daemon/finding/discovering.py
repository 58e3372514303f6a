"""Finding peers, joined: who is near, whom seeds and settings name, who was told of."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence

from edgenode.core.dialback import network_of
from edgenode.core.events import Announce
from edgenode.core.signed import Signed
from edgenode.daemon.config.sections import BootstrapConfig, DnsConfig
from edgenode.daemon.finding.acquainting import Acquainting
from edgenode.daemon.finding.addresskeeping import AddressKeeping
from edgenode.daemon.finding.foundview import discovered, ways
from edgenode.daemon.finding.neighbourhood import Near
from edgenode.discover.agenda import Agenda
from edgenode.discover.joining import Joining
from edgenode.discover.resolver import Resolver
from edgenode.discover.seeds import Seeds
from edgenode.discover.sighting import BOOTSTRAP, PEER, OnSighting, Sighting
from edgenode.discover.target import ANCHOR, STATIC
from edgenode.discover.world import World, wants_neighbour
from edgenode.link.dial import CONNECT_TIMEOUT_S, DialFailed, Dialler
from edgenode.link.keep import StaticPeer
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.reach.watch import NetworkWatch
from edgenode.store.addresses import MAX_ANCHORS, Anchor

# A burst of changes of the network asks the living links for a sign of life once.
NUDGE_GAP_S = 5.0


class Discovering:
    """Finds peers and joins them; `open` it, run `work()` beside the node, and `close` it."""

    def __init__(
        self,
        *,
        own_id: str,
        make_near: Callable[[OnSighting, Callable[[str], None]], Sequence[Near]],
        bootstrap: BootstrapConfig,
        dns: DnsConfig,
        acquainting: Acquainting,
        keeping: AddressKeeping,
        static: Sequence[StaticPeer],
        links: LinkTable,
        dialler: Dialler,
        live: Callable[[Link], Coroutine[None, None, str]],
        is_near: Callable[[str], bool],
        admits: Callable[[str], bool],
        outbound_target: int,
        wall_ms: Callable[[], int],
    ) -> None:
        """Take the parts, all but `near` made elsewhere.

        `make_near(on_seen, on_gone)` makes what finds neighbours; `live(link)` lives through a
        link; `is_near` tells of an IP literal on our networks, `admits` of one that is not shut
        out; `outbound_target`: links to nodes elsewhere that are sought.
        """
        self._links = links
        self._dialler = dialler
        self._is_near = is_near
        self._admits = admits
        self._static = static
        self._bootstrap = bootstrap
        self._keeping = keeping
        self._wall_ms = wall_ms
        self._stalled: frozenset[str] = frozenset()
        self._nudged = -NUDGE_GAP_S
        self._agenda = Agenda(
            own_id=own_id,
            outbound_target=outbound_target,
            start_wait_s=bootstrap.retry_interval / 1000,
            start_retries=bootstrap.max_retries,
            linked=self._is_linked,
            random=random.random,
        )
        self._joining = Joining(
            self._agenda,
            dial=self._dial,
            live=live,
            discard=_discard,
            part=self._part,
            world=self._world,
            stalled=self._find_stalled,
            book=keeping.book,
            book_s=keeping.now_s,
            outbound_target=outbound_target,
            random=random.random,
        )
        self.turn = self._joining.turn
        self.sighted: OnSighting = self._joining.sighted
        self._alone_since = time.monotonic()
        self._acquainting = acquainting
        self.advertised = acquainting.take
        self._near = make_near(self._joining.sighted, self._joining.gone)
        self._seeds = Seeds(
            dns.seeds,
            resolver=Resolver(timeout_s=dns.timeout / 1000),
            on_sighting=self._joining.sighted,
            is_lonely=lambda: len(links) == 0,
            query_interval_s=dns.query_interval / 1000,
            random=random.random,
        )
        self._watch = NetworkWatch(set, lambda _: self._on_network())

    async def open(self) -> None:
        """Read what was kept of earlier runs; before there is any link."""
        await self._keeping.open()
        for peer in self._static:
            self._joining.sighted(Sighting(BOOTSTRAP, peer.address, peer.port), STATIC)
        for anchor in self._keeping.anchors:
            self._joining.sighted(Sighting(PEER, anchor.host, anchor.port, anchor.node_id), ANCHOR)
        for node in self._bootstrap.nodes:
            if not node.is_static:
                self._joining.sighted(Sighting(BOOTSTRAP, node.address, node.port))

    def work(self) -> list[Coroutine[None, None, None]]:
        """Begin to watch the network; return what runs beside the node, until cancelled."""
        self._watch.start()
        near = [near.run() for near in self._near]
        works = [self._acquainting.run(), self._seeds.run()]
        return [self._joining.run(), self._keeping.run(), *works, *near]

    async def close(self) -> None:
        """Say goodbye to the neighbours, keep what is known; after `work` was cancelled."""
        self._watch.close()
        await asyncio.gather(*(near.close() for near in self._near))
        await self._keeping.close()

    def on_told(self, _: Sighting) -> None:
        """An address that was told is new to the book, from where it is dialled in its turn."""
        self._joining.wake()

    def on_linked(self, link: Link) -> list[Signed]:
        """Take a new link; return what its peer is to be told of other nodes."""
        self._keep_anchors()
        self._joining.on_linked(link.node_id, (link.address, link.port) if link.dialled else None)
        return self._acquainting.on_linked(link)

    def receive(self, link: Link, announce: Announce) -> None:
        """Take what a peer tells of other nodes; raises `ProtocolError`."""
        self._acquainting.receive(link, announce)

    def on_lost(self, link: Link, reason: str) -> None:
        """A link has ended, and no other has taken its place."""
        self._acquainting.on_lost(link.node_id)
        self._joining.on_lost(link.node_id, asyncio.get_running_loop().time() - link.since, reason)
        if len(self._links) == 0:
            self._alone_since = time.monotonic()
            self._seeds.wake()

    def alone_s(self) -> float:
        """Return for how many seconds there has been no link, 0.0 while there is one."""
        return 0.0 if len(self._links) else time.monotonic() - self._alone_since

    def addresses(self) -> dict[str, int]:
        """Return how many addresses are known: `new` ones, and `tried` ones."""
        book = self._keeping.book
        return {"new": len(book) - book.tried, "tried": book.tried}

    def ways(self, node_id: str) -> list[str]:
        """Return how a peer was found."""
        return ways(self._agenda, node_id)

    def discovered(self) -> dict[str, object]:
        """Return what GET /node/discovered answers."""
        return discovered(
            self._agenda,
            linked=self._is_linked,
            now=asyncio.get_running_loop().time(),
            wall_ms=self._wall_ms(),
        )

    def _is_linked(self, node_id: str) -> bool:
        return self._links.get(node_id) is not None

    def _world(self) -> World:
        elsewhere = [link for link in self._links if not self._is_near(link.remote_address)]
        outbound = [link.remote_address for link in elsewhere if link.dialled]
        return World(
            linked=lambda node_id: self._is_linked(node_id) and node_id not in self._stalled,
            outbound=len(outbound),
            groups=frozenset(
                group for address in outbound if (group := network_of(address)) is not None
            ),
            room=wants_neighbour(
                len(self._links) - len(elsewhere), self._agenda.neighbours, self._links.max_near
            ),
            families=tuple(":" in link.remote_address for link in elsewhere),
        )

    def _find_stalled(self) -> frozenset[str]:
        self._stalled = frozenset(link.node_id for link in self._links if link.is_stalled())
        return self._stalled

    async def _dial(self, host: str, port: int, within_s: float | None) -> Link | str:
        if not self._admits(host):
            return "shut-out"
        within_s = within_s or CONNECT_TIMEOUT_S
        try:
            return await self._dialler.dial(host, port, within_s=within_s)
        except DialFailed as failed:
            return str(failed)

    async def _part(self, node_id: str) -> None:
        link = self._links.get(node_id)
        if link is not None:
            # Neither side dials again at once for this reason, so that a new link can come first.
            link.close("duplicate")
            await link.ended()

    def _on_network(self) -> None:
        for near in self._near:
            near.network_changed()
        self._seeds.wake()
        self._joining.network_changed()
        now = time.monotonic()
        if now >= self._nudged + NUDGE_GAP_S:
            self._nudged = now
            for link in self._links:
                link.nudge()

    def _keep_anchors(self) -> None:
        """Keep the longest-lived of those whom this node has dialled elsewhere.

        Not those in the settings: these are dialled anyhow, and may all be gone at once.
        """
        configured = {(node.address, node.port) for node in self._bootstrap.nodes}
        best = [
            link
            for link in sorted(self._links, key=lambda link: link.since)
            if link.dialled and (link.remote_address, link.port) not in configured
            if link.remote_address and not self._is_near(link.remote_address)
        ]
        anchors: dict[bytes | None, Anchor] = {}
        for link in best:
            place = Anchor(link.remote_address, link.port, link.node_id)
            anchors.setdefault(network_of(link.remote_address), place)
        chosen = list(anchors.values())
        spare = [
            anchor
            for anchor in self._keeping.anchors
            if anchor.node_id not in {one.node_id for one in chosen}
        ]
        self._keeping.keep_anchors([*chosen, *spare][:MAX_ANCHORS])


async def _discard(link: Link) -> None:
    link.close("bye")
    await link.run(lambda _: None)
