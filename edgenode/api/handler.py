"""aiohttp's handler of one connection, with our errors, telling its guard how far it is."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from edgenode.api.problems import Problem, problem_answer
from edgenode.api.traffic import EVERYWHERE


class Watcher(Protocol):
    """Who is told how far the request is."""

    def answered(self) -> None:
        """The response is handed over."""


class Handler(web.RequestHandler):
    """Differs from aiohttp's where that answers by itself: what the caller sent is not repeated."""

    __slots__ = ("guard",)

    def __init__(
        self,
        server: web.Server,
        guard: Watcher,
        *,
        loop: asyncio.AbstractEventLoop,
        settings: Mapping[str, Any],
    ) -> None:
        """`settings` are those of aiohttp's handler."""
        super().__init__(server, loop=loop, **settings)
        self.guard = guard

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the response, or its end."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self.guard.answered()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that no handler of ours has seen, or that one has failed at."""
        if request.writer.output_size > 0:
            raise ConnectionError("part of the response is sent already") from exc
        if isinstance(exc, LineTooLong):
            code = "headers-too-large"
        elif isinstance(exc, BadHttpMessage) or status == 400:  # noqa: PLR2004
            code = "bad-request"
        else:
            code = "internal-error"
            self.log_exception("Error handling a request", exc_info=exc)
        response = problem_answer(Problem(code))
        response.headers.update(EVERYWHERE)
        response.force_close()
        return response
