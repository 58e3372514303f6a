"""Dialling a peer's `/ws`."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from edgenode.core.counters import Counters
from edgenode.core.errors import EdgenodeError
from edgenode.link.backlog import Backlog
from edgenode.link.handshake import LocalIdentity, initiate
from edgenode.link.link import Link
from edgenode.link.socket import CLOSE_TIMEOUT_S, MAX_MESSAGE_SIZE, SocketClosed, refuse

# Name look-up, connecting by each address family in turn, and the upgrade.
CONNECT_TIMEOUT_S = 10.0

# No more connections than links are allowed, and some being tried.
MAX_CONNECTIONS = 64


SHUT_OUT = "the address is shut out"


class DialFailed(Exception):
    """No link came about; the message says why in one line.

    It begins with the reason's name where one side refused the other.
    """


class Dialler:
    """Opens links; `close` ends what is left of its connections."""

    def __init__(
        self,
        identity: LocalIdentity,
        *,
        counters: Counters,
        backlog: Backlog,
        ping: Callable[[], bytes],
        is_shut_out: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`is_shut_out(address)` tells of an IP literal that it is not to be dialled.

        What a name stands for is dialled: names come from the operator alone.
        """
        self._identity = identity
        self._counters = counters
        self._backlog = backlog
        self._ping = ping
        self._is_shut_out = is_shut_out
        self.dials = {"success": 0, "failed": 0}
        """Since the start."""
        self._connector = _Connector(limit=MAX_CONNECTIONS, force_close=True)
        no_redirects = aiohttp.TraceConfig()
        no_redirects.on_request_redirect.append(_refuse_redirect)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
            trust_env=False,
            trace_configs=[no_redirects],
        )

    async def dial(
        self,
        address: str,
        port: int,
        expected_node_id: str = "",
        *,
        within_s: float = CONNECT_TIMEOUT_S,
    ) -> Link:
        """Return a link to whoever listens at `address` (IP literal or DNS name).

        `expected_node_id` refuses any other node; the connection must be there `within_s`. Raises
        `DialFailed`.
        """
        try:
            link = await self._dial(address, port, expected_node_id, within_s)
        except DialFailed:
            self.dials["failed"] += 1
            raise
        self.dials["success"] += 1
        return link

    async def _dial(self, address: str, port: int, expected_node_id: str, within_s: float) -> Link:
        if self._is_shut_out(address):
            raise DialFailed(SHUT_OUT)
        host = f"[{address}]" if ":" in address else address
        try:
            async with asyncio.timeout(within_s):
                opened = await self._session.ws_connect(
                    f"http://{host}:{port}/ws",
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                    autoping=False,
                    compress=0,
                    max_msg_size=MAX_MESSAGE_SIZE,
                )
        except TimeoutError as error:
            raise DialFailed("no answer") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DialFailed(_explain(error)) from error
        try:
            peer, channel = await initiate(opened, self._identity, expected_node_id)
        except EdgenodeError as error:
            await refuse(opened, error.code)
            raise DialFailed(f"{error.code}: {error}") from error
        except (SocketClosed, ConnectionError) as error:
            await refuse(opened, "bye")
            raise DialFailed(f"{error}: closed by the peer") from error
        except asyncio.CancelledError:
            await refuse(opened, "bye")
            raise
        return Link(
            opened,
            channel,
            peer,
            dialled=True,
            address=address,
            port=port,
            counters=self._counters,
            backlog=self._backlog,
            ping=self._ping,
        )

    async def dial_over(
        self, connected: socket.socket, address: str, port: int, expected_node_id: str
    ) -> Link:
        """Do as `dial`, over a TCP connection to there that exists already.

        `address` is an IP literal in its usual form.
        """
        if (address, port) in self._connector.given:
            connected.close()
            raise DialFailed("another connection to there is being taken up")
        self._connector.given[address, port] = connected
        try:
            return await self.dial(address, port, expected_node_id)
        finally:
            if unused := self._connector.given.pop((address, port), None):
                unused.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class _Connector(aiohttp.TCPConnector):
    """Takes a connection that exists already, where `given` has one to the place asked for."""

    def __init__(self, *, limit: int, force_close: bool) -> None:
        super().__init__(limit=limit, force_close=force_close)
        # None: taken up. aiohttp asks again where one ended without an answer; it must not go there
        # by itself.
        self.given: dict[tuple[str, int], socket.socket | None] = {}

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own name
    ) -> ResponseHandler:
        place = (req.url.host or "", req.url.port or 0)
        if place not in self.given:
            return await super()._create_connection(req, traces, timeout)
        connected, self.given[place] = self.given[place], None
        if connected is None:
            raise ConnectionAbortedError("the connection has ended")
        _, protocol = await self._loop.create_connection(self._factory, sock=connected)
        return protocol


async def _refuse_redirect(
    _session: aiohttp.ClientSession,
    _context: object,
    redirect: aiohttp.TraceRequestRedirectParams,
) -> None:
    """Go nowhere but to the address that was asked for: `ws_connect` would follow otherwise."""
    response = redirect.response
    response.close()
    raise aiohttp.WSServerHandshakeError(
        response.request_info, response.history, status=response.status
    )


def _explain(error: Exception) -> str:
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"not an edgenode peer port (HTTP {error.status})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error.strerror or error.os_error)
    return str(error) or type(error).__name__
