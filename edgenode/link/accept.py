"""Accepting links: the handler of `/ws` on the peer port."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from edgenode.core.counters import Counters
from edgenode.core.errors import EdgenodeError
from edgenode.link.anteroom import Anteroom
from edgenode.link.backlog import Backlog
from edgenode.link.handshake import LocalIdentity, respond
from edgenode.link.link import Link
from edgenode.link.socket import CLOSE_TIMEOUT_S, MAX_MESSAGE_SIZE, SocketClosed, refuse

log = logging.getLogger(__name__)


class Acceptor:
    """Handles `/ws`: handshake, then `serve(link)` for as long as the link lives."""

    def __init__(
        self,
        identity: LocalIdentity,
        serve: Callable[[Link], Awaitable[object]],
        *,
        counters: Counters,
        backlog: Backlog,
        ping: Callable[[], bytes],
        on_refused: Callable[[str, str], None],
    ) -> None:
        """`on_refused(address, reason)` is told of each handshake that this node has ended."""
        self._identity = identity
        self._serve = serve
        self._counters = counters
        self._backlog = backlog
        self._ping = ping
        self._on_refused = on_refused
        self._anteroom = Anteroom()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Upgrade the request and live through the link.

        Raises aiohttp's 426 for a request that is no upgrade.
        """
        socket = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT_S,
            autoping=False,
            compress=False,
            max_msg_size=MAX_MESSAGE_SIZE,
        )
        if not socket.can_prepare(request).ok:
            raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        try:
            async with self._anteroom.place(request.remote or ""):
                peer, channel = await respond(socket, self._identity)
        except EdgenodeError as error:
            log.info("refused a link from %s: %s (%s)", request.remote, error.code, error)
            self._on_refused(request.remote or "", error.code)
            await refuse(socket, error.code)
            return socket
        except (SocketClosed, ConnectionError) as error:
            log.info("a handshake from %s ended: %s", request.remote, error)
            return socket
        address, port = _remote(request)
        link = Link(
            socket,
            channel,
            peer,
            dialled=False,
            address=address,
            port=port,
            counters=self._counters,
            backlog=self._backlog,
            ping=self._ping,
        )
        await self._live(link)
        return socket

    async def _live(self, link: Link) -> None:
        """Live through the link in a task of its own.

        aiohttp may cancel a handler when its connection is gone; what the peer sent before that,
        its good-bye too, is still to be read.
        """
        session = asyncio.ensure_future(self._serve(link))
        try:
            await asyncio.shield(session)
        except asyncio.CancelledError:
            await asyncio.wait([session], timeout=2 * CLOSE_TIMEOUT_S)
            session.cancel()
            raise


def _remote(request: web.Request) -> tuple[str, int]:
    peername = request.transport.get_extra_info("peername") if request.transport else None
    return (str(peername[0]), int(peername[1])) if peername else ("", 0)
