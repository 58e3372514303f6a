"""What an exit stack runs and stops: tasks, listeners, sockets."""

import asyncio
import logging
import socket
from collections.abc import Coroutine
from contextlib import AsyncExitStack

from aiohttp import web

from edgenode.api.door import Door
from edgenode.api.listener import build_runner
from edgenode.api.seats import Seats

log = logging.getLogger(__name__)


async def serve(
    stack: AsyncExitStack,
    seats: Seats,
    listeners: list[tuple[web.Application, list[socket.socket]]],
) -> list[Door]:
    """Serve the applications on their sockets until the stack unwinds; return their doors.

    `seats` bounds the connections of all of them together.
    """
    runners = [build_runner(app) for app, _ in listeners]
    doors = [Door(runner, seats) for runner in runners]

    async def end() -> None:
        for door in doors:
            door.close()
        # Together, since each may take its whole deadline.
        await asyncio.gather(*(runner.cleanup() for runner in runners))

    stack.push_async_callback(end)
    for runner, door, (_, sockets) in zip(runners, doors, listeners, strict=True):
        await runner.setup()
        door.open(sockets)
    return doors


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
