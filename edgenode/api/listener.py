"""Running an application, with the settings that its handlers rely on."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from edgenode.api.guard import Guard
from edgenode.api.handler import Handler
from edgenode.api.heads import MAX_HEAD_BYTES, MAX_HEADERS

KEEPALIVE_SECONDS = 75.0
"""How long an idle connection is kept: longer than by proxies (60 s), so that they close first."""
LINGER_SECONDS = 5.0
"""How long the rest of a refused body is read and dropped, so that the refusal arrives."""
SHUTDOWN_SECONDS = 1.0
"""How long requests under way get at shutdown, twice: to end, then to end once they are told to.

The whole node has 5 s to stop."""

_http_log = logging.getLogger("edgenode.api.http")


class Listener(web.AppRunner):
    """Runs an application; a `Door` asks it for the handler of each connection."""

    def __init__(self, app: web.Application, settings: Mapping[str, Any]) -> None:
        """`settings` are those of aiohttp's handlers."""
        super().__init__(
            app, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS, **settings
        )
        self._settings = settings

    def new_handler(self, guard: Guard) -> Handler:
        """Return a handler for the connection that `guard` is in front of."""
        assert self.server is not None
        loop = asyncio.get_running_loop()
        return Handler(self.server, guard, loop=loop, settings=self._settings)


def build_runner(app: web.Application) -> Listener:
    """Return the runner for either application.

    A body is taken as it was sent (an unpacked one could be a bomb), and a request whose caller is
    gone is cancelled.
    """
    _http_log.addFilter(_is_our_fault)
    app.on_response_prepare.append(_opened)
    return Listener(
        app,
        {
            "access_log": None,
            "logger": _http_log,
            "auto_decompress": False,
            "max_line_size": MAX_HEAD_BYTES,
            "max_field_size": MAX_HEAD_BYTES,
            "max_headers": MAX_HEADERS,
            "keepalive_timeout": KEEPALIVE_SECONDS,
            "lingering_time": LINGER_SECONDS,
        },
    )


async def _opened(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the guard where the connection becomes a WebSocket."""
    if response.status == 101 and (guard := Guard.of(request)) is not None:  # noqa: PLR2004
        guard.open()


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Drop what aiohttp logs, with a traceback, of callers who speak no HTTP or are gone."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (HttpProcessingError, web.RequestPayloadError, ConnectionError))
