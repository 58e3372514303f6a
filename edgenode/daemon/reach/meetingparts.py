"""The parts by which nodes meet, composed: standing in the middle, calling and answering."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import sample
from typing import Protocol

from edgenode.core.ip import is_global
from edgenode.core.meetevents import LACK, Meet
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.peers import Peers
from edgenode.daemon.reach.introducing import Introducing
from edgenode.daemon.reach.meeting import Meeting
from edgenode.daemon.reach.reaching import Reaching
from edgenode.daemon.reach.seeking import Seeking
from edgenode.link.dial import DialFailed, Dialler
from edgenode.link.link import Link
from edgenode.link.table import LinkTable

# Holders of a block that are called at once: one that comes to a link is enough.
MAX_HOLDERS = 3

log = logging.getLogger(__name__)


class Listener(Protocol):
    """What serves the peer port."""

    def take(self, connected: socket.socket) -> None:
        """Serve a connection that came about in another way; it is closed where it cannot be."""


class MeetingParts:
    """Meetings of this node, and those of its peers."""

    def __init__(
        self,
        *,
        links: LinkTable,
        peers: Peers,
        reaching: Reaching,
        outbound: Outbound,
        dialler: Dialler,
        live: Callable[[Link], Awaitable[object]],
        known: Callable[[], Sequence[str]],
        max_links: int,
    ) -> None:
        """`live(link)` lives through a link that a meeting has brought about.

        `known()` names the other nodes of the network, as far as they are known.
        """
        self._links = links
        self._peers = peers
        self._outbound = outbound
        self._dialler = dialler
        self._live = live
        self._listener: Listener | None = None
        self._tasks: set[asyncio.Future[object]] = set()
        # Links that were punched by this node: where the peer is seen, nobody listens.
        self._punched: set[Link] = set()
        self._introducing = Introducing(links=links.get, post=self._post)
        self._meeting = Meeting(
            links=links.get,
            middles=self._middles,
            post=self._post,
            observer=self._observer,
            open_port=reaching.open_port,
            dial=self._dial,
            link_over=self._link_over,
            accept=self._accept,
        )
        self._seeking = Seeking(
            known=known,
            links=links.get,
            count=lambda: len(links),
            can_call=lambda: bool(self._middles()),
            max_links=max_links,
            meet=self._meeting.meet,
        )

    def work(self) -> Coroutine[None, None, None]:
        """Return what runs beside the node until cancelled."""
        return self._seeking.run()

    def listen(self, listener: Listener) -> None:
        """Hand connections that were punched to the listener of the peer port."""
        self._listener = listener

    async def meet_one(self, node_ids: Sequence[str]) -> bool:
        """Try to come to a link with one of the nodes; return whether any was not linked."""
        missing = [node_id for node_id in node_ids if self._links.get(node_id) is None]
        # Not always the same: those may be gone for good.
        chosen = sample(missing, min(MAX_HOLDERS, len(missing)))
        await asyncio.gather(*(self._meeting.meet(node_id) for node_id in chosen))
        return bool(missing)

    def receive(self, link: Link, step: Meet) -> None:
        """Take a step of a meeting from the peer of `link`."""
        if step.address or step.op == LACK:
            self._meeting.on_step(link, step)
        else:
            self._introducing.pass_on(link, step)

    def on_linked(self, node_id: str) -> None:
        """There is a link with `node_id`."""
        self._meeting.on_linked(node_id)
        self._seeking.on_linked()

    def on_lost(self, node_id: str, reason: str) -> None:
        """The link with `node_id` ended."""
        self._introducing.on_lost(node_id)
        self._meeting.on_lost(node_id)
        self._seeking.on_lost(node_id, reason)

    async def stop(self) -> None:
        """End what is under way, the links that came about included."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        # Together, since each may wait a while for the other side.
        await asyncio.gather(self._meeting.stop(), *tasks, return_exceptions=True)

    def _post(self, link: Link, step: Meet) -> None:
        link.post(self._outbound.meet(step))

    def _middles(self) -> list[Link]:
        """Return the links with nodes elsewhere, those first that can be reached themselves."""
        outside = [link for link in self._links if is_global(link.remote_address)]
        return sorted(outside, key=lambda link: not self._listens(link))

    def _listens(self, link: Link) -> bool:
        """Tell whether this node has reached the peer port of a peer."""
        return link.dialled and link not in self._punched

    def _observer(self, middle: Link) -> tuple[str, int] | None:
        """Return the peer port of one who can say how we look from outside.

        The one in the middle, if we reached it; or else another whom we did: most NATs show all of
        them the same port. Or else the middle all the same, where it says that it listens.
        """
        ipv6 = ":" in middle.remote_address
        for link in (middle, *self._middles()):
            address = link.remote_address
            if self._listens(link) and is_global(address) and (":" in address) == ipv6:
                return address, link.port
        port = None if middle in self._punched else self._peers.ws_port(middle.node_id)
        if port is None or not is_global(middle.remote_address):
            return None
        return middle.remote_address, port

    async def _dial(self, address: str, port: int, node_id: str) -> bool:
        try:
            link = await self._dialler.dial(address, port, node_id)
        except DialFailed as failed:
            log.debug("%s at %s:%d: %s", node_id, address, port, failed)
            return False
        self._begin(link)
        return True

    async def _link_over(
        self, connected: socket.socket, address: str, port: int, node_id: str
    ) -> bool:
        try:
            link = await self._dialler.dial_over(connected, address, port, node_id)
        except DialFailed as failed:
            log.debug("%s through its router at %s:%d: %s", node_id, address, port, failed)
            return False
        self._punched.add(link)
        self._begin(link)
        return True

    async def _accept(self, connected: socket.socket) -> None:
        if self._listener is None:
            connected.close()
        else:
            self._listener.take(connected)

    def _begin(self, link: Link) -> None:
        task = asyncio.ensure_future(self._live(link))
        self._tasks.add(task)

        def end(done: asyncio.Future[object]) -> None:
            self._tasks.discard(done)
            self._punched.discard(link)
            if not done.cancelled() and (error := done.exception()) is not None:
                log.error(
                    "a part has failed: %s", error, exc_info=error, extra={"event": "part-failed"}
                )

        task.add_done_callback(end)
