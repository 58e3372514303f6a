"""Both ports of a node with a real block store, in this process, for bytes that no client sends."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

from edgenode.api.door import Door
from edgenode.api.listener import build_runner
from edgenode.api.seats import Seats
from edgenode.core.counters import Counters
from edgenode.core.errors import BlockUnavailable
from edgenode.crypto import SigningKey
from edgenode.link.accept import Acceptor
from edgenode.link.backlog import Backlog
from edgenode.link.handshake import LocalIdentity
from edgenode.link.link import Link
from tests.unit.api.conftest import Node
from tests.unit.store.helpers import open_store, pieces

BLOCK = b"a block"
PATIENCE_S = 0.05
"""For a request that is not whole; whole ones are answered sooner."""


class Ports(NamedTuple):
    """The two on loopback, and the id of a block that is held."""

    local: int
    public: int
    block_id: str


@asynccontextmanager
async def both_ports(folder: Path) -> AsyncIterator[Ports]:
    """Serve both; `folder`/blocks is the store."""
    store = await open_store(folder / "blocks")
    store.files = dict  # type: ignore[attr-defined] # asked by what stands for the rest
    node = Node(folder)
    node.store = store  # type: ignore[assignment]
    held, _ = await store.put(pieces(BLOCK))
    node.fetch_error = BlockUnavailable("nobody is there")
    node.links = _acceptor().handle  # type: ignore[assignment,method-assign]
    async with _served(node.local_app()) as local, _served(node.public_app()) as public:
        yield Ports(local, public, held.block_id)


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[int]:
    runner = build_runner(app)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    door = Door(runner, Seats())
    door.open([listening])
    try:
        yield listening.getsockname()[1]
    finally:
        door.close()
        listening.close()
        await runner.cleanup()


def _acceptor() -> Acceptor:
    key = SigningKey(bytes(32))

    async def leave(link: Link) -> None:
        link.close("bye")

    return Acceptor(
        LocalIdentity("main", key.public_key, key.sign),
        leave,
        counters=Counters(),
        backlog=Backlog(),
        ping=lambda: b"ping",
        on_refused=lambda _address, _reason: None,
    )


@contextmanager
def nothing_logged() -> Iterator[None]:
    """Nothing is logged as an error meanwhile, nor left to the event loop."""
    records: list[logging.LogRecord] = []
    left: list[dict[str, Any]] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler = Handler(logging.ERROR)
    loop = asyncio.get_running_loop()
    logging.getLogger().addHandler(handler)
    loop.set_exception_handler(lambda _, context: left.append(context))
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        loop.set_exception_handler(None)
    assert [(record.getMessage(), record.exc_text) for record in records] == []
    assert left == []


async def exchange(port: int, data: bytes, seconds: float = 10.0) -> bytes:
    """Send bytes, and after the first of the answer, or a moment without, the end of them.

    Returns all that comes back. A caller who ends at once gets none: he counts as gone.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(seconds):
            writer.write(data)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    first = await reader.read(65536)
            except TimeoutError:
                first = b""
            if not writer.is_closing():
                writer.write_eof()
            return first + await reader.read()
    except OSError:
        return b""
    finally:
        writer.close()
