"""Both listeners on loopback ports, over a store on disk."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, web

from edgenode.api import app
from edgenode.api.access import OperatorToken
from edgenode.api.app import build_local_app, build_public_app, build_runner
from edgenode.api.events import EventFeed
from edgenode.core.counters import Counters

from .plain_records import PlainRecords
from .plain_store import PlainStore

TOKEN = "9f86d081884c7d65"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
MAX_BLOCK_SIZE = 64 * 1024 * 1024
NODE_ID = "ab" * 32
NOW_MS = 1_700_000_000_000


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so that nobody announces; fails after 5 s."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Node:
    """What the two listeners serve, open to the tests."""

    def __init__(self, root: Path) -> None:
        """Make a node without blocks and peers."""
        self.store = PlainStore(root, MAX_BLOCK_SIZE)
        self.counters = Counters()
        self.read: list[str] = []
        self.records = PlainRecords()
        self.feed = EventFeed(node_id=NODE_ID, wall_ms=lambda: NOW_MS, counters=self.counters)
        self.fetched: list[str] = []
        self.remote: dict[str, bytes] = {}
        self.fetch_error: Exception | None = None
        self.fetch_gate: asyncio.Event | None = None
        self.fetch_started = asyncio.Event()
        self.fetch_cancelled = asyncio.Event()
        self.links_error: Exception | None = None
        self.peer_list: list[dict[str, Any]] = []
        self.node_info: dict[str, Any] = {
            "nodeId": NODE_ID,
            "publicKey": NODE_ID,
            "version": "0.1.0",
            "network": "brightchain",
            "capabilities": ["blocks"],
            "addresses": ["192.0.2.1:4242"],
            "httpPort": 4280,
            "wsPort": 4242,
            "region": None,
        }

    async def fetch(self, block_id: str) -> None:
        """Make a block of `remote` held."""
        self.fetched.append(block_id)
        self.fetch_started.set()
        try:
            if self.fetch_gate is not None:
                await self.fetch_gate.wait()
        except asyncio.CancelledError:
            self.fetch_cancelled.set()
            raise
        if self.fetch_error is not None:
            raise self.fetch_error
        self.store.keep(self.remote[block_id])

    def info(self) -> dict[str, Any]:
        """Give NodeInfo."""
        return self.node_info

    def peers(self) -> dict[str, Any]:
        """Give the peers."""
        return {"peers": self.peer_list}

    def status(self) -> dict[str, Any]:
        """Give NodeMetrics."""
        return {
            "uptime": 90061,
            "peers": len(self.peer_list),
            "blocks": len(self.store.files()),
            "bandwidth": {
                "in": self.counters.bytes_in,
                "out": self.counters.bytes_out,
                "relayed": self.counters.bytes_relayed,
            },
            "operations": {"success": self.counters.succeeded, "failed": self.counters.failed},
            "pendingSync": 0,
        }

    async def links(self, _request: web.Request) -> web.StreamResponse:
        """Be where links are accepted."""
        if self.links_error is not None:
            raise self.links_error
        return web.Response(text="linked")

    def local_app(self) -> web.Application:
        """Build the HTTP port's application."""
        return build_local_app(
            blocks=self.store,
            fetch=self.fetch,
            records=self.records,
            feed=self.feed,
            info=self.info,
            peers=self.peers,
            status=self.status,
            operator=OperatorToken(TOKEN, hashlib.sha3_512),
            host_names=["Pi.example"],
            max_block_size=MAX_BLOCK_SIZE,
            counters=self.counters,
            on_read=self.read.append,
        )

    def public_app(self) -> web.Application:
        """Build the peer port's application."""
        return build_public_app(
            blocks=self.store,
            records=self.records,
            info=self.info,
            status=self.status,
            links=self.links,
            counters=self.counters,
            on_read=self.read.append,
        )


class Served:
    """A listener, and a client for it."""

    def __init__(self, port: int, client: ClientSession) -> None:
        """Take the port on 127.0.0.1 and a session whose base URL it is."""
        self.port = port
        self.client = client

    async def connect(self, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection and send the beginning of a request on it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        await writer.drain()
        return reader, writer

    async def exchange(self, request: bytes) -> bytes:
        """Send bytes and return everything that comes back until the connection closes."""
        reader, writer = await self.connect(request)
        try:
            async with asyncio.timeout(10):
                return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


async def serve(application: web.Application) -> AsyncIterator[Served]:
    """Run an application on a free loopback port."""
    runner = build_runner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    limit = ClientTimeout(total=30)
    async with ClientSession(f"http://127.0.0.1:{port}", timeout=limit) as client:
        yield Served(port, client)
    await runner.cleanup()


@pytest.fixture(autouse=True)
def _short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "LINGER_SECONDS", 0.1)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Make a node."""
    return Node(tmp_path)


@pytest.fixture
async def local(node: Node) -> AsyncIterator[Served]:
    """Serve the HTTP port."""
    async for served in serve(node.local_app()):
        yield served


@pytest.fixture
async def public(node: Node) -> AsyncIterator[Served]:
    """Serve the peer port."""
    async for served in serve(node.public_app()):
        yield served
