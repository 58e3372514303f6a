"""The frames inside the seal, with every event."""

import json
from typing import Any

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.frame import CHUNK, MESSAGE, encode_chunk
from edgenode.core.inbound import Chunk, decode_frame
from edgenode.core.strictjson import encode
from tests.fuzz.engine import Target

PEER = "0b" * 32
BLOCK = "cd" * 64
SIGNED: dict[str, Any] = {
    "payload": '{"a":1}',
    "timestamp": 5,
    "nodeId": PEER,
    "epoch": 1,
    "seq": 0,
    "signature": "00" * 64,
}
DIGEST = "12" * 16

EVENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("system:ping", {"nonce": 7}),
    ("system:pong", {"nonce": 7}),
    (
        "node:announce",
        {
            "version": "0.1.0",
            "httpPort": 4280,
            "wsPort": 4242,
            "capabilities": ["blocks", "relay"],
            "region": "eu",
            "advertisements": [SIGNED],
        },
    ),
    ("node:leave", {"reason": "bye"}),
    ("node:rotation", {"rotations": [{"old": SIGNED, "new": SIGNED}]}),
    ("block:sync", {"op": "want", "blockId": BLOCK, "fetchId": 1, "offset": 0, "length": 65536}),
    ("block:sync", {"op": "have", "blockId": BLOCK, "fetchId": 1, "size": 10, "through": True}),
    ("block:sync", {"op": "lack", "blockId": BLOCK, "fetchId": 1, "reason": "not-held"}),
    (
        "node:status",
        {
            "origins": [
                {"nodeId": PEER, "head": SIGNED, "root": DIGEST, "count": 3},
                {"nodeId": PEER, "head": None, "root": DIGEST, "count": 0},
            ],
            "last": True,
        },
    ),
    ("block:temperature", {"batches": [SIGNED]}),
    ("block:location", {"batches": [SIGNED, SIGNED]}),
    ("metadata:update", {"batches": [SIGNED]}),
    ("metadata:sync", {"op": "node", "origin": PEER, "prefix": "0a"}),
    ("metadata:sync", {"op": "children", "origin": PEER, "prefix": "", "digests": [DIGEST] * 16}),
    ("metadata:sync", {"op": "list", "origin": PEER, "prefix": "0a", "items": [[1, 2, DIGEST]]}),
    ("metadata:sync", {"op": "want", "origin": PEER, "items": [[1, 2], [1, 3]]}),
    ("metadata:sync", {"op": "have", "items": [[PEER, 1, 2, DIGEST]]}),
    ("metadata:sync", {"op": "ack", "digests": [DIGEST]}),
    ("reach:dialback", {"op": "ask", "nonce": "01" * 16, "port": 4242}),
    (
        "reach:dialback",
        {"op": "result", "nonce": "01" * 16, "result": "reached", "address": "192.0.2.1"},
    ),
    ("reach:meet", {"op": "call", "node": PEER, "meetId": 1, "port": 0}),
    (
        "reach:meet",
        {"op": "connect", "node": PEER, "meetId": 1, "port": 9, "waited": 5, "address": "::1"},
    ),
    ("reach:meet", {"op": "lack", "node": PEER, "meetId": 1, "reason": "gone"}),
)


def frame(data: bytes) -> str:
    """What is read of a frame is written so that it reads as the same."""
    found = decode_frame(data, PEER)
    if found is None:
        return "nothing"
    if isinstance(found, Chunk):
        assert encode_chunk(found.fetch_id, found.offset, found.data) == data
        return "chunk"
    write = getattr(found, "to_data", None)
    if write is not None:
        type_ = json.loads(data[1:])["type"]
        again = decode_frame(_frame(type_, write()), PEER)
        assert again is not None
        assert again.to_data() == write()  # type: ignore[union-attr]
    return type(found).__name__ + str(getattr(found, "op", ""))


def _frame(type_: str, data: dict[str, Any]) -> bytes:
    text = encode({"type": type_, "data": data, "timestamp": 1, "sender": PEER})
    return bytes((MESSAGE,)) + text


def _seeds() -> list[bytes]:
    chunk = bytes((CHUNK,)) + bytes(11) + b"\x05" + b"data"
    return [_frame(*event) for event in EVENTS] + [chunk, b"\x00bye", b"\x07later"]


TARGETS = (Target("frame", frame, (DecodeError, ProtocolError), _seeds, weight=20),)
