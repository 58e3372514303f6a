"""The parts by which nodes meet, composed: standing in the middle, calling and answering."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from aiohttp import web

from edgenode.core.ip import is_global
from edgenode.core.meetevents import LACK, Meet
from edgenode.daemon.introducing import Introducing
from edgenode.daemon.meeting import Meeting
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.peers import Peers
from edgenode.daemon.reaching import Reaching
from edgenode.daemon.seeking import Seeking
from edgenode.link.dial import DialFailed, Dialler
from edgenode.link.link import Link
from edgenode.link.table import LinkTable

# Holders of a block that are called at once: one that comes to a link is enough.
MAX_HOLDERS = 3

log = logging.getLogger(__name__)


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
        self._listener: web.AppRunner | None = None
        self._tasks: set[asyncio.Future[object]] = set()
        self._introducing = Introducing(links=links.get, post=self._post)
        self._meeting = Meeting(
            links=links.get,
            middles=self._middles,
            post=self._post,
            peer_port=self._peer_port,
            open_port=reaching.open_port,
            dial=self._dial,
            link_over=self._link_over,
            accept=self._accept,
        )
        self._seeking = Seeking(
            known=known,
            links=links.get,
            count=lambda: len(links),
            max_links=max_links,
            meet=self._meeting.meet,
        )

    def work(self) -> Coroutine[None, None, None]:
        """Return what runs beside the node until cancelled."""
        return self._seeking.run()

    def listen(self, listener: web.AppRunner) -> None:
        """Hand connections that were punched to the listener of the peer port."""
        self._listener = listener

    async def meet_one(self, node_ids: Sequence[str]) -> bool:
        """Try to come to a link with one of the nodes; return whether any was not linked."""
        missing = [node_id for node_id in node_ids if self._links.get(node_id) is None]
        await asyncio.gather(*(self._meeting.meet(node_id) for node_id in missing[:MAX_HOLDERS]))
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

    def on_lost(self, node_id: str) -> None:
        """The link with `node_id` ended."""
        self._introducing.on_lost(node_id)

    async def stop(self) -> None:
        """End what is under way, the links that came about included."""
        await self._meeting.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _post(self, link: Link, step: Meet) -> None:
        link.post(self._outbound.meet(step))

    def _middles(self) -> list[Link]:
        """Return the links with nodes elsewhere, those first that can be reached themselves."""
        outside = [link for link in self._links if is_global(link.remote_address)]
        return sorted(outside, key=lambda link: not link.dialled)

    def _peer_port(self, link: Link) -> int | None:
        return link.port if link.dialled else self._peers.ws_port(link.node_id)

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
        self._begin(link)
        return True

    async def _accept(self, connected: socket.socket) -> None:
        listener = self._listener
        if listener is None or listener.server is None:
            connected.close()
            return
        await asyncio.get_running_loop().connect_accepted_socket(listener.server, connected)

    def _begin(self, link: Link) -> None:
        task = asyncio.ensure_future(self._live(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
