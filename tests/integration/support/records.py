"""Records as a test sets and sees them: by REST, and as an origin that signs by itself."""

from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from edgenode.core.batch import encode_batch
from edgenode.core.head import Head, encode_head
from edgenode.core.records import TEMPERATURE, Update
from edgenode.core.signed import Signed, sign
from edgenode.core.syncevents import NodeStatus, OriginStatus, batch_messages
from edgenode.core.trie import Trie
from edgenode.crypto import SigningKey, digest16, new_seed
from edgenode.link.handshake import LocalIdentity
from tests.integration.support.files import block_id
from tests.integration.support.node import NETWORK, Node
from tests.integration.support.peer import TIMESTAMP_MS, Peer
from tests.integration.support.wait import eventually

QUICK = "[batch]\ninterval = 20\nretry_delay = 200\n"
"""Nobody in a test waits for a whole second."""

Agreed = dict[str, tuple[str, int]]
"""By origin: root of its trie, number of its batches."""


def some_id(name: str) -> str:
    """Return a block id that nobody holds."""
    return block_id(name.encode())


def warm(name: str, class_: str = "WARM") -> Update:
    """Return an update of a block's temperature."""
    return Update(TEMPERATURE, some_id(name), {"class": class_})


class Origin:
    """A node's key: what it signs, and its identity on a link."""

    def __init__(self) -> None:
        self.key = SigningKey(new_seed())
        self.node_id = self.key.public_key.hex()
        self.identity = LocalIdentity(NETWORK, self.key.public_key, self.key.sign)
        self._seq = 0

    def batch(self, *updates: Update) -> Signed:
        """Return the next batch."""
        return self.signed(encode_batch("a batch", TIMESTAMP_MS, updates))

    def signed(self, payload: str, *, context: str = "batch", network: str = NETWORK) -> Signed:
        """Return any payload signed, under the next number."""
        self._seq += 1
        public_key = self.key.public_key
        return sign(
            context, network, public_key, 1, self._seq, TIMESTAMP_MS, payload, self.key.sign
        )

    def head(self, batches: Sequence[bytes] = (), *, epoch: int = 1, seq: int = 1) -> Signed:
        """Return a head over batches of these digests."""
        root = Trie(digest16, batches).root()
        head = Head(
            batch_epoch=epoch if batches else 0,
            batch_seq=len(batches),
            floor_epoch=0,
            floor_seq=0,
            root=root,
            count=len(batches),
        )
        payload = encode_head(head)
        public_key = self.key.public_key
        return sign("head", NETWORK, public_key, epoch, seq, TIMESTAMP_MS, payload, self.key.sign)


async def tell(peer: Peer, batches: Sequence[Signed], event: str = "metadata:update") -> None:
    """Send batches, in as many messages as they need."""
    for message in batch_messages(event, batches):
        await peer.say(message.event, message.to_data())


async def tell_status(peer: Peer, *origins: OriginStatus, last: bool = False) -> None:
    """Send a `node:status`."""
    await peer.say("node:status", NodeStatus(list(origins), last).to_data())


async def carried(session: aiohttp.ClientSession, node: Node) -> Agreed:
    """Return what a node says, to a peer that links with it, that it carries."""
    peer = await Peer.link(session, node.ws_url)
    found: Agreed = {}
    while True:
        status = await peer.hear_of(NodeStatus)
        for origin in status.origins:
            found[origin.node_id] = (origin.root.hex(), origin.count)
        if status.last:
            await peer.socket.close()
            return found


async def all_agree(
    session: aiohttp.ClientSession, nodes: Sequence[Node], *, timeout_s: float = 15.0
) -> Agreed:
    """Wait until all carry the same batches, some of them; return what."""
    seen: list[Agreed] = []

    async def agree() -> bool:
        seen[:] = [await carried(session, node) for node in nodes]
        return bool(seen[0]) and all(found == seen[0] for found in seen)

    try:
        await eventually(agree, "all carry the same", timeout_s=timeout_s)
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None
    return seen[0]


async def told(node: Node, block: str) -> dict[str, Any] | None:
    """Return what a node says of a block, but for what is its own affair or changes by itself."""
    found = await node.rest.metadata(block)
    if found is None:
        return None
    return {
        "temperature": found["temperature"]["class"],
        "temperatures": sorted(
            (item["nodeId"], item["class"]) for item in found["temperature"]["origins"]
        ),
        "locations": sorted((item["nodeId"], item["size"]) for item in found["locations"]),
        "origins": sorted(
            (item["nodeId"], item["epoch"], item["seq"], str(item["metadata"]))
            for item in found["origins"]
        ),
    }


async def seen_at(
    node: Node, block: str, holds: Callable[[dict[str, Any]], bool], *, timeout_s: float = 10.0
) -> dict[str, Any]:
    """Wait until a node's metadata of a block are as they should be; return them."""
    found: dict[str, Any] | None = None

    async def check() -> bool:
        nonlocal found
        found = await node.rest.metadata(block)
        return found is not None and holds(found)

    try:
        await eventually(check, f"seen at {node.name}", timeout_s=timeout_s)
    except AssertionError as error:
        raise AssertionError(f"{error}: {found}") from None
    assert found is not None
    return found


async def set_class(node: Node, block: str, class_: str | None) -> None:
    """Set a temperature, acknowledged."""
    status, answer = await node.rest.write(f"/blocks/{block}/temperature", {"temperature": class_})
    assert status == 200, answer


async def set_metadata(node: Node, block: str, data: dict[str, Any] | None) -> None:
    """Set metadata, acknowledged."""
    body = {"updates": [{"blockId": block, "data": data}]}
    assert await node.rest.write("/sync/metadata", body) == (200, {"accepted": 1})


class Viewer:
    """A local viewer of a node's events."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    @classmethod
    async def watch(cls, session: aiohttp.ClientSession, node: Node) -> "Viewer":
        """Connect to `/events`."""
        return cls(await session.ws_connect(node.rest.base + "/events"))

    async def next(self, type_: str, of: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next event of a type whose data are as wanted."""
        while True:
            event: dict[str, Any] = await self._socket.receive_json(timeout=10.0)
            if event["type"] == type_ and of(event["data"]):
                return event

    async def close(self) -> None:
        await self._socket.close()
