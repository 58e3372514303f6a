"""A network in memory: the records' parts of each node as they are, the links between them not."""

import asyncio
import json
import shutil
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

from edgenode.api.events import EventFeed
from edgenode.core.counters import Counters
from edgenode.core.inbound import decode_frame
from edgenode.core.records import Update
from edgenode.crypto import SigningKey
from edgenode.daemon.config.sections import BatchConfig
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.records.exchange import Event, Exchange
from edgenode.daemon.records.recordparts import RecordParts
from edgenode.link.link import Link
from edgenode.store.blocks import BlockStore
from edgenode.store.state import State
from tests.unit.store.helpers import open_store

LATENCY_S = 0.02

Table = list[tuple[object, ...]]

_TABLES = {
    # Who says what of which block, and where it is said.
    "records": "SELECT o.node, r.epoch, r.seq, r.place, r.type, r.prefix, r.rest, r.data"
    " FROM records r JOIN origins o ON o.id = r.origin",
    "batches": "SELECT o.node, b.epoch, b.seq, b.digest, c.payload, c.signature"
    " FROM batches b JOIN origins o ON o.id = b.origin JOIN bodies c ON c.id = b.body",
    "floors": "SELECT node, floor_epoch, floor_seq FROM origins",
}


class Wall:
    """The wall clock of all nodes, ms: it goes with the loop's, and can be put on."""

    def __init__(self) -> None:
        self._base_ms = time.time_ns() // 1_000_000

    def __call__(self) -> int:
        return self._base_ms + int(asyncio.get_running_loop().time() * 1000)

    def put_on(self, ms: int) -> None:
        """Let so much time have passed, in which no timer of a node was due."""
        self._base_ms += ms


class MemoryLink:
    """One side of a link: what is posted comes to the other side after a while, in order."""

    def __init__(self, own_id: str, node_id: str, on_post: Callable[[bytes], None]) -> None:
        self.node_id = node_id
        self._on_post = on_post
        self.has_room = True
        self.closed = ""
        self.deliver: Callable[[Event], None] | None = None
        self._own_id = own_id
        self._on_the_way: deque[bytes] = deque()

    def post(self, frame: bytes) -> None:
        if not self.closed:
            self._on_post(frame)
            self._on_the_way.append(frame)
            asyncio.get_running_loop().call_later(LATENCY_S, self._arrive)

    async def send(self, frame: bytes) -> None:
        self.post(frame)

    def close(self, reason: str) -> None:
        self.closed = self.closed or reason
        self._on_the_way.clear()

    def _arrive(self) -> None:
        if self._on_the_way and self.deliver is not None:
            record = decode_frame(self._on_the_way.popleft(), self._own_id)
            self.deliver(cast(Event, record))


class Node:
    """A node's records: its folder outlives `stop`, and each `start` is a new epoch."""

    def __init__(self, folder: Path, number: int, wall: "Wall") -> None:
        self._wall = wall
        self.key = SigningKey(number.to_bytes(32))
        self.node_id = self.key.public_key.hex()
        self.folder = folder
        self._tasks: list[asyncio.Task[None]] = []
        self._new = True

    async def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.state = await State.open(self.folder / "state.db")
        await self.state.database.alone(_do_not_wait_for_the_disk)
        self.epoch = await self.state.next_epoch()
        self.outbound = Outbound(self.node_id, self._wall)
        self.parts = RecordParts(
            network="test",
            key=self.key,
            key_is_new=self._new,
            epoch=self.epoch,
            state=self.state,
            batch=BatchConfig(),
            outbound=self.outbound,
            feed=EventFeed(node_id=self.node_id, wall_ms=self._wall, counters=Counters()),
            retired=(),
            former_ids=(),
            wall_ms=self._wall,
        )
        self._new = False
        self.store: BlockStore = await open_store(self.folder / "blocks")
        self.parts.follow(self.store)
        await self.parts.open()
        self._tasks = [asyncio.create_task(work) for work in self.parts.work()]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
            await self.parts.close()
            await self.state.close()
        self._tasks = []

    @property
    def running(self) -> bool:
        return bool(self._tasks)

    async def say(self, *updates: Update) -> None:
        """Take own updates, as from REST."""
        await self.parts._publisher.submit(updates)

    async def table(self, name: str) -> Table:
        """Return everything in a table that all are to agree on."""

        def read(connection: sqlite3.Connection) -> Table:
            rows = connection.execute(_TABLES[name]).fetchall()
            return sorted((tuple(map(_plain, row)) for row in rows), key=repr)

        return await self.state.database.read(read)

    async def all(self) -> dict[str, Table]:
        return {name: await self.table(name) for name in _TABLES}

    def roots(self) -> dict[str, bytes]:
        replicas = self.parts._replicas
        found = {origin: replicas.get(origin) for origin in replicas.ids()}
        return {origin: it.trie.root() for origin, it in found.items() if it is not None}


class Network:
    """Nodes and the links between them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.wall = Wall()
        self._nodes: list[Node] = []
        self.posted: list[tuple[str, str]] = []
        """Of each message: its type, and for whom it is."""
        self._ends: dict[tuple[str, str], tuple[MemoryLink, Exchange, asyncio.Task[None]]] = {}

    async def node(self) -> Node:
        number = len(self._nodes) + 1
        made = Node(self._folder / f"node{number}", number, self.wall)
        self._nodes.append(made)
        await made.start()
        return made

    def link(self, one: Node, other: Node) -> None:
        ends = [
            MemoryLink(a.node_id, b.node_id, partial(self._note, b.node_id))
            for a, b in ((one, other), (other, one))
        ]
        exchanges = [
            node.parts.exchange(cast(Link, end))
            for node, end in zip((one, other), ends, strict=True)
        ]
        ends[0].deliver, ends[1].deliver = exchanges[1].receive, exchanges[0].receive
        for node, end, exchange in zip((one, other), ends, exchanges, strict=True):
            node.parts.on_linked(exchange)
            self._ends[node.node_id, end.node_id] = (
                end,
                exchange,
                asyncio.create_task(exchange.run()),
            )

    def reasons(self) -> list[str]:
        """Return why links were closed by a node, of those that were not cut."""
        return [end.closed for end, _, _ in self._ends.values() if end.closed]

    async def cut(self, one: Node, other: Node) -> None:
        for a, b in ((one, other), (other, one)):
            end, exchange, task = self._ends.pop((a.node_id, b.node_id))
            end.close("cut")
            task.cancel()
            await asyncio.wait([task])
            if a.running:
                a.parts.on_lost(exchange)

    async def stop(self, node: Node) -> None:
        """End a node, with its links."""
        for one, other in list(self._ends):
            if one == node.node_id:
                await self.cut(node, self._by_id(other))
        await node.stop()

    async def close(self) -> None:
        for node in self._nodes:
            await self.stop(node)

    def _note(self, node_id: str, frame: bytes) -> None:
        self.posted.append((json.loads(frame[1:])["type"], node_id))

    def _by_id(self, node_id: str) -> Node:
        return next(node for node in self._nodes if node.node_id == node_id)


def back_up(node: Node) -> Path:
    """Return a copy of a stopped node's folder, as it is now."""
    copy = node.folder.with_suffix(".backup")
    shutil.copytree(node.folder, copy)
    return copy


def restore(node: Node, backup: Path) -> None:
    """Set a stopped node back to a copy."""
    shutil.rmtree(node.folder)
    shutil.copytree(backup, node.folder)


def _plain(value: object) -> object:
    """Return a value of a row; JSON without the order of its keys, which has no meaning."""
    return json.loads(value) if isinstance(value, str) else value


def _do_not_wait_for_the_disk(connection: sqlite3.Connection) -> None:
    """No machine crashes here; what SQLite has written outlives its process as it is."""
    connection.execute("PRAGMA synchronous = OFF")
