"""What an exit stack runs and stops: tasks, listeners, sockets."""

import asyncio
import logging
import socket
from collections.abc import Coroutine
from contextlib import AsyncExitStack

from aiohttp import web

from edgenode.api.app import build_runner

log = logging.getLogger(__name__)


async def serve(
    stack: AsyncExitStack, listeners: list[tuple[web.Application, list[socket.socket]]]
) -> list[web.AppRunner]:
    """Serve the applications on their sockets until the stack unwinds; return their runners."""
    runners = [build_runner(app) for app, _ in listeners]

    async def end() -> None:
        # Together, since each may take its whole deadline.
        await asyncio.gather(*(runner.cleanup() for runner in runners))

    stack.push_async_callback(end)
    for runner, (_, sockets) in zip(runners, listeners, strict=True):
        await runner.setup()
        for opened in sockets:
            await web.SockSite(runner, opened).start()
    return runners


def background(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
    """Run `work` beside the rest until the stack unwinds; a failure of it is logged."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.wait([task])

    def report(done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error(
                "a part has failed: %s", error, exc_info=error, extra={"event": "part-failed"}
            )

    task.add_done_callback(report)
    stack.push_async_callback(end)


def close_sockets(sockets: list[socket.socket]) -> None:
    """Close all of them."""
    for opened in sockets:
        opened.close()
