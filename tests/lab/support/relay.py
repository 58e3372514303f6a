"""A port on this machine's loopback that leads to one on a namespace's loopback."""

import asyncio
import socket
from contextlib import suppress

from tests.lab.support.namespace import Namespace

PIECE_BYTES = 64 * 1024


class Relay:
    """Carries TCP connections from 127.0.0.1:`port` to `target_port` on a namespace's loopback.

    No packet passes: a namespace keeps no way out of the laboratory.
    """

    def __init__(self, namespace: Namespace, target_port: int) -> None:
        self.port = 0
        self._namespace = namespace
        self._target_port = target_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, port: int = 0) -> None:
        """Listen; at any free port for 0."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End the listening and all connections."""
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            with self._namespace.inside():
                there = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            there.setblocking(False)
            await asyncio.get_running_loop().sock_connect(there, ("127.0.0.1", self._target_port))
            far_reader, far_writer = await asyncio.open_connection(sock=there)
            ends.append(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, far_writer))
                both.create_task(_pass(far_reader, writer))
        except OSError:
            pass  # nobody listens there: this side is told by the end of its connection
        finally:
            for end in ends:
                end.transport.abort()


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(PIECE_BYTES):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
