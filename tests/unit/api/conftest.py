"""Both listeners on loopback ports, over a store on disk."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, web

from edgenode.api import listener
from edgenode.api.access import OperatorToken
from edgenode.api.app import Monitoring, build_local_app, build_public_app
from edgenode.api.auth import PeerAuth
from edgenode.api.display import Display
from edgenode.api.door import Door
from edgenode.api.events import EventFeed
from edgenode.api.exposition import Buckets
from edgenode.api.listener import build_runner
from edgenode.api.readings import OpenPort, Readings
from edgenode.api.seats import Seats
from edgenode.api.session import Sessions
from edgenode.core.counters import Counters
from edgenode.core.peersessions import PeerSessions
from edgenode.crypto import digest16, random_bytes, verify
from edgenode.daemon.config.sections import RateLimitConfig
from edgenode.daemon.guard.gate import Gate
from edgenode.daemon.peers import iso_time

from .plain_inviting import PlainInviting
from .plain_pins import PlainPins
from .plain_records import PlainRecords
from .plain_shutting import PlainShutting
from .plain_store import PlainStore
from .plain_writes import PlainWrites

TOKEN = "9f86d081884c7d65"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
MAX_BLOCK_SIZE = 64 * 1024 * 1024
NODE_ID = "ab" * 32
NETWORK = "brightchain"
NOW_MS = 1_700_000_000_000


READINGS = Readings(
    mapping_wanted=True,
    ports=[OpenPort("ipv4", "pcp", "192.0.2.1", 12.5)],
    ports_lost=1,
    failures={("upnp", "no-answer"): 1},
    links_dialled=2,
    links_accepted=3,
    dials={"success": 5, "failed": 2},
    addresses={"new": 30, "tried": 7},
    link_queue_bytes=4,
    viewers=5,
    block_bytes=6,
    block_bytes_max=7,
    blocks_damaged=8,
    blocks_wanted=9,
    disk_free_bytes=10,
    disk_reserve_bytes=11,
    fetches=12,
    outbox_updates=13,
    database_waiting=14,
    origins=15,
    origins_behind=16,
    batches_missing=17,
    loop_lag=Buckets((0.1, 1.0), (5, 2, 1), 4.5),
    warnings={"clone": 18},
    rate_limited={"address": 24},
    shut_out={"node": 25},
    turned_away=26,
    clock_trusted=True,
    resident_bytes=19,
    anonymous_bytes=20,
    written_bytes=21,
    cpu_s=22.5,
    started_s=1_700_000_000.25,
    open_files=23,
)


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
        self.on_link: set[bytes | None] = set()
        self.read: list[str] = []
        self.refused: dict[str, str] = {}
        self.auth = self._auth()
        self.linked_at: Callable[[str], bool] | None = None
        self.writes = PlainWrites()
        self.knocks: list[tuple[str, str]] = []
        self.records = PlainRecords()
        self.pins = PlainPins()
        self.regions: dict[str, str] = {}
        self.feed = EventFeed(
            node_id=NODE_ID,
            wall_ms=lambda: NOW_MS,
            counters=self.counters,
            region=lambda node_id: self.regions.get(node_id, ""),
        )
        self.fetched: list[str] = []
        self.remote: dict[str, bytes] = {}
        self.fetch_error: Exception | None = None
        self.fetch_gate: asyncio.Event | None = None
        self.fetch_started = asyncio.Event()
        self.fetch_cancelled = asyncio.Event()
        self.links_error: Exception | None = None
        self.readings = READINGS
        self.wrong: Callable[[], Awaitable[str | None]] | None = None
        self.unready: str | None = None
        self.peer_list: list[dict[str, Any]] = []
        self.now_s = 0.0
        self.now_ms = 0
        self.limits(10**6)
        self.shutting = PlainShutting()
        self.inviting = PlainInviting()
        self.alone = 0
        self.sessions = Sessions(hashlib.sha3_512, lambda: self.now_s)
        self.space: dict[str, Any] = {"bytes": 1000, "maxBytes": None, "freeBytes": 10**9}
        self.temperatures = {"VIRAL": 0, "HOT": 1, "WARM": 0, "COOL": 0, "COLD": 0, "FROZEN": 0}
        self.sync: dict[str, Any] = {
            "updatesWaiting": 0,
            "batchesWaiting": 0,
            "origins": 2,
            "originsBehind": 0,
            "batchesMissing": 0,
            "wanted": 0,
            "transfers": [],
        }
        sample = {"bytesIn": 10, "bytesOut": 2000, "succeeded": 3, "failed": 1, "peers": 1}
        self.history: dict[str, Any] = {
            "periodSeconds": 60,
            "until": "2026-01-02T03:04:05.678Z",
            "samples": [dict.fromkeys(sample, 0), sample],
        }
        self.reachability: dict[str, Any] = {
            "verdict": "mapped",
            "verified": True,
            "method": "pcp",
            "externalAddress": "192.0.2.1",
            "externalPort": 4242,
            "advice": "Nothing to do.",
            "confirmations": 2,
            "since": "2026-01-02T03:04:05.678Z",
        }
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

    def _auth(self) -> PeerAuth:
        self.now_s = 0.0
        return PeerAuth(
            PeerSessions(
                own_id=NODE_ID,
                network=NETWORK,
                mac=lambda data: digest16(b"a secret" + data),
                hash16=digest16,
                verify_fn=verify,
            ),
            own_id=NODE_ID,
            network=NETWORK,
            verify=verify,
            random_bytes=random_bytes,
            now_ms=lambda: int(1000 * self.now_s),
            expiry=lambda ms: iso_time(NOW_MS + ms),
            refusal=lambda node_id: self.refused.get(node_id, ""),
        )

    def limits(self, max_requests: int, threshold: int = 3, *, near: bool = True) -> None:
        """Allow so many requests a minute, before the applications are built."""
        self.gate = Gate(
            RateLimitConfig(max_requests=max_requests, blacklist_threshold=threshold),
            is_near=lambda _: near,
            is_static=lambda _: False,
            now_ms=lambda: self.now_ms,
        )

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

    async def storage(self) -> dict[str, Any]:
        """Give NodeStorage."""
        return {
            "blocks": len(self.store.files()),
            "reserveBytes": 1000,
            "temperatures": self.temperatures,
            **self.space,
        }

    def peers(self) -> dict[str, Any]:
        """Give the peers."""
        return {"peers": self.peer_list}

    def discovered(self) -> dict[str, Any]:
        """Give what was found of other nodes."""
        return {
            "discovered": [
                {
                    "nodeId": None,
                    "address": "fe80::1%eth0",
                    "port": 4242,
                    "how": ["mdns", "lan"],
                    "lastSeen": "2026-01-02T03:04:05.006Z",
                    "status": "failed",
                    "lastError": "no answer",
                }
            ]
        }

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
            "alone": self.alone,
            "reachability": self.reachability,
        }

    async def measure(self) -> Readings:
        """Take the readings."""
        return self.readings

    async def alive(self) -> str | None:
        """Say what keeps the node from making progress."""
        return await self.wrong() if self.wrong else None

    async def ready(self) -> str | None:
        """Say what keeps the node from serving."""
        return self.unready

    def arrived(self, nonce: str, source: str) -> bool:
        """Take a knock."""
        self.knocks.append((nonce, source))
        return nonce == "ab" * 16

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
            pins=self.pins,
            records=self.records,
            feed=self.feed,
            info=self.info,
            peers=self.peers,
            discovered=self.discovered,
            inviting=self.inviting,
            status=self.status,
            monitoring=Monitoring(self.measure, self.alive, self.ready),
            display=Display(self.storage, lambda: self.sync, lambda: self.history, self.sessions),
            operator=OperatorToken(TOKEN, hashlib.sha3_512),
            gate=self.gate,
            shutting=self.shutting,
            is_on_link=lambda address: address in self.on_link,
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
            arrived=self.arrived,
            gate=self.gate,
            auth=self.auth,
            linked_at=self.linked_at,
            writes=self.writes,
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
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    door = Door(runner, Seats())
    door.open([listening])
    limit = ClientTimeout(total=30)
    async with ClientSession(f"http://127.0.0.1:{port}", timeout=limit) as client:
        yield Served(port, client)
    door.close()
    listening.close()
    await runner.cleanup()


@pytest.fixture(autouse=True)
def _short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "LINGER_SECONDS", 0.1)


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
