"""Whether the node is alive, and whether it can serve, for those who watch over it."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.answers import json_answer
from edgenode.api.problems import Problem

Check = Callable[[], Awaitable[str | None]]
"""Returns None where all is well, or else what is wrong. It may take as long as a disk that hangs.

It is called once for each request; cancelling a call ends that wait only.
"""

DEADLINE_SECONDS = 10.0
"""After it the answer is that nothing moves: probes wait for 10 s or less."""


def health_answer(check: Check, problem: str) -> Handler:
    """Return a handler that answers `{"status": "ok"}`, or the problem of that code."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                wrong = await check()
        except TimeoutError:
            wrong = f"no answer from the disk within {DEADLINE_SECONDS:.0f} s"
        if wrong is not None:
            raise Problem(problem, wrong)
        return json_answer({"status": "ok"})

    return answer
