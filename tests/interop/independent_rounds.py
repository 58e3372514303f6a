"""Telling and comparing records over a link, written from docs/protocol.md alone."""

import json
from collections import Counter
from collections.abc import Callable

from tests.interop.independent_link import Json, Link
from tests.interop.independent_records import (
    LIST_DIGESTS,
    NO_DIGEST,
    children,
    position,
    subtree_digest,
    under,
    updates_of,
    verified,
)

BATCH_EVENTS = ("metadata:update", "block:temperature", "block:location")


class Carried:
    """What we carry of origins; it outlives a link."""

    def __init__(self, network: str) -> None:
        self.network = network
        self.batches: dict[str, dict[bytes, Json]] = {}
        self.heads: dict[str, Json] = {}

    def add(self, message: Json) -> bytes:
        """Keep a batch whose signature verifies; return its digest."""
        digest = verified("batch", self.network, message)
        assert updates_of(message)
        self.batches.setdefault(message["nodeId"], {})[digest] = message
        return digest

    def add_head(self, message: Json) -> None:
        known = self.heads.get(message["nodeId"])
        if known is None or position(message) > position(known):
            verified("head", self.network, message)
            self.heads[message["nodeId"]] = message

    def of(self, origin: str) -> dict[bytes, Json]:
        return self.batches.get(origin, {})

    def root(self, origin: str) -> str:
        return subtree_digest(self.of(origin)).hex()

    def status(self, origin: str) -> Json:
        """Events with records, node:status."""
        return {
            "nodeId": origin,
            "head": self.heads.get(origin),
            "root": self.root(origin),
            "count": len(self.of(origin)),
        }


class Rounds:
    """Works on what a peer says of records."""

    def __init__(self, link: Link, carried: Carried) -> None:
        self.link = link
        self.carried = carried
        self.told: dict[str, Json] = {}
        """By origin: what the peer said of it last in a `node:status`."""
        self.events: list[tuple[str, Json]] = []
        """Batches that came: the event, and the batch."""
        self.answers: list[Json] = []
        """What the peer answered to `node`."""
        self.asked: Counter[str] = Counter()
        """How often the peer asked what."""
        self.acknowledged: set[bytes] = set()
        self.rounds = 0

    async def until(self, holds: Callable[[], bool]) -> None:
        """Work on what comes until something holds."""
        while not holds():
            message = await self.link.next()
            assert isinstance(message, dict), message
            await self.on(message["type"], message["data"])

    async def sync(self, op: str, **members: object) -> None:
        await self.link.tell("metadata:sync", op=op, **members)

    async def tell(self, event: str, *batches: Json) -> None:
        await self.link.tell(event, batches=list(batches))

    async def tell_all(self) -> None:
        """A round of ours."""
        origins = {*self.carried.batches, *self.carried.heads}
        statuses = [self.carried.status(origin) for origin in sorted(origins)]
        await self.link.tell("node:status", origins=statuses, last=True)

    async def on(self, event: str, data: Json) -> None:
        if event in BATCH_EVENTS:
            self.events += [(event, message) for message in data["batches"]]
            digests = [self.carried.add(message).hex() for message in data["batches"]]
            await self.sync("ack", digests=digests)
        elif event == "node:status":
            await self.on_status(data)
        elif event == "metadata:sync":
            await self.on_sync(data)

    async def on_status(self, data: Json) -> None:
        for status in data["origins"]:
            origin = status["nodeId"]
            self.told[origin] = status
            if status.get("head") is not None:
                assert status["head"]["nodeId"] == origin
                self.carried.add_head(status["head"])
            if status["count"] and status["root"] != self.carried.root(origin):
                await self.sync("node", origin=origin, prefix="")
        self.rounds += data["last"]

    async def on_sync(self, data: Json) -> None:
        op = data["op"]
        if op == "ack":
            self.acknowledged |= set(map(bytes.fromhex, data["digests"]))
        elif op == "node":
            self.asked[op] += 1
            await self.answer(data["origin"], data["prefix"])
        elif op == "want":
            self.asked[op] += 1
            of = self.carried.of(data["origin"]).values()
            wanted = [it for it in of if list(position(it)) in data["items"]]
            await self.tell("metadata:update", *wanted)
        elif op == "have":
            for origin, *item in data["items"]:
                await self.want(origin, [item])
        elif op == "list":
            self.answers.append(data)
            await self.want(data["origin"], data["items"])
        elif op == "children":
            self.answers.append(data)
            await self.compare(data["origin"], data["prefix"], data["digests"])

    async def answer(self, origin: str, prefix: str) -> None:
        held = self.carried.of(origin)
        found = under(held, prefix)
        about: Json = {"origin": origin, "prefix": prefix}
        if len(found) <= LIST_DIGESTS:
            items = [[*position(held[digest]), digest.hex()] for digest in found]
            await self.sync("list", items=items, **about)
        else:
            digests = [digest.hex() for digest in children(held, prefix)]
            await self.sync("children", digests=digests, **about)

    async def want(self, origin: str, items: list[list[object]]) -> None:
        held = {digest.hex() for digest in self.carried.of(origin)}
        lacking = [[epoch, seq] for epoch, seq, digest in items if digest not in held]
        if lacking:
            await self.sync("want", origin=origin, items=lacking)

    async def compare(self, origin: str, prefix: str, digests: list[str]) -> None:
        own = children(self.carried.of(origin), prefix)
        assert len(digests) == 16
        for digit, (theirs, ours) in enumerate(zip(digests, own, strict=True)):
            if theirs not in (NO_DIGEST.hex(), ours.hex()):
                await self.sync("node", origin=origin, prefix=f"{prefix}{digit:x}")

    def head_agrees(self, origin: str) -> bool:
        """Whether the newest head says what we hold, some of it."""
        message = self.carried.heads.get(origin)
        if message is None or not self.carried.of(origin):
            return False
        payload = json.loads(message["payload"])
        return (payload["root"], payload["count"]) == (
            self.carried.root(origin),
            len(self.carried.of(origin)),
        )
