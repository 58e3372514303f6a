"""Dialling a peer's `/ws`."""

import asyncio
from collections.abc import Callable

import aiohttp

from edgenode.core.counters import Counters
from edgenode.core.errors import EdgenodeError
from edgenode.link.handshake import LocalIdentity, initiate
from edgenode.link.link import Link
from edgenode.link.socket import CLOSE_TIMEOUT_S, MAX_MESSAGE_SIZE, SocketClosed, refuse

# Name look-up, connecting by each address family in turn, and the upgrade.
CONNECT_TIMEOUT_S = 10.0

# No more connections than links are allowed, and some being tried.
MAX_CONNECTIONS = 64


class DialFailed(Exception):
    """No link came about; the message says why in one line.

    It begins with the reason's name where one side refused the other.
    """


class Dialler:
    """Opens links; `close` ends what is left of its connections."""

    def __init__(
        self, identity: LocalIdentity, *, counters: Counters, ping: Callable[[], bytes]
    ) -> None:
        self._identity = identity
        self._counters = counters
        self._ping = ping
        no_redirects = aiohttp.TraceConfig()
        no_redirects.on_request_redirect.append(_refuse_redirect)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[no_redirects],
        )

    async def dial(self, address: str, port: int, expected_node_id: str = "") -> Link:
        """Return a link to whoever listens at `address` (IP literal or DNS name).

        `expected_node_id` refuses any other node. Raises `DialFailed`.
        """
        host = f"[{address}]" if ":" in address else address
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await self._session.ws_connect(
                    f"http://{host}:{port}/ws",
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                    autoping=True,
                    compress=0,
                    max_msg_size=MAX_MESSAGE_SIZE,
                )
        except TimeoutError as error:
            raise DialFailed("no answer") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DialFailed(_explain(error)) from error
        try:
            peer, channel = await initiate(socket, self._identity, expected_node_id)
        except EdgenodeError as error:
            await refuse(socket, error.code)
            raise DialFailed(f"{error.code}: {error}") from error
        except (SocketClosed, ConnectionError) as error:
            await refuse(socket, "bye")
            raise DialFailed(f"{error}: closed by the peer") from error
        except asyncio.CancelledError:
            await refuse(socket, "bye")
            raise
        return Link(
            socket,
            channel,
            peer,
            dialled=True,
            address=address,
            port=port,
            counters=self._counters,
            ping=self._ping,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


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
