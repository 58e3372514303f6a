"""Signed messages, records and tries, written from docs/protocol.md alone."""

import hashlib
import json
import time
from collections.abc import Iterable

from nacl import bindings as sodium

from tests.interop.independent_link import Json, Me, le64, pae

NO_DIGEST = bytes(16)
LIST_DIGESTS = 64
DIGITS = "0123456789abcdef"

# Signed messages


def hash16(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def signed_bytes(context: str, network: str, message: Json) -> bytes:
    return pae(
        [
            f"edgenode/1/{context}".encode(),
            network.encode(),
            bytes.fromhex(message["nodeId"]),
            *(le64(message[name]) for name in ("epoch", "seq", "timestamp")),
            message["payload"].encode(),
        ]
    )


def sign(me: Me, context: str, epoch: int, seq: int, payload: Json) -> Json:
    """Return a SignedMessage, with white space of our own and fields nobody knows."""
    message = {
        "payload": json.dumps({**payload, "aLaterField": [1]}, indent=1),
        "timestamp": int(time.time() * 1000),
        "nodeId": me.node_id,
        "epoch": epoch,
        "seq": seq,
        "aLaterField": {},
    }
    message["signature"] = me.sign(signed_bytes(context, me.network, message)).hex()
    return message


def verified(context: str, network: str, message: Json) -> bytes:
    """Check a message's signature; return its digest."""
    signed, signature = signed_bytes(context, network, message), bytes.fromhex(message["signature"])
    assert len(signature) == 64
    sodium.crypto_sign_open(signature + signed, bytes.fromhex(message["nodeId"]))
    return hash16(signed + signature)


def position(message: Json) -> tuple[int, int]:
    """What orders the messages of one origin and one context."""
    return message["epoch"], message["seq"]


# Records and batches


def batch(me: Me, epoch: int, seq: int, updates: list[Json]) -> Json:
    name = f"{me.node_id[:16]}-{epoch}-{seq}"
    payload = {"batchId": name, "timestamp": int(time.time() * 1000), "updates": updates}
    return sign(me, "batch", epoch, seq, payload)


def updates_of(message: Json) -> list[Json]:
    payload = json.loads(message["payload"])
    assert set(payload) >= {"batchId", "timestamp", "updates"}
    assert len(message["payload"].encode()) <= 32_768
    assert 1 <= len(payload["updates"]) <= 100
    updates: list[Json] = payload["updates"]
    return updates


# Heads


def head(me: Me, epoch: int, seq: int, batches: Iterable[Json], digests: set[bytes]) -> Json:
    newest = max(map(position, batches))
    payload = {
        "batchEpoch": newest[0],
        "batchSeq": newest[1],
        "floorEpoch": 0,
        "floorSeq": 0,
        "root": subtree_digest(digests).hex(),
        "count": len(digests),
    }
    return sign(me, "head", epoch, seq, payload)


# Tries


def under(digests: Iterable[bytes], prefix: str) -> list[bytes]:
    return sorted(digest for digest in digests if digest.hex().startswith(prefix))


def children(digests: Iterable[bytes], prefix: str) -> list[bytes]:
    return [subtree_digest(digests, prefix + digit) for digit in DIGITS]


def subtree_digest(digests: Iterable[bytes], prefix: str = "") -> bytes:
    found = under(digests, prefix)
    if not found:
        return NO_DIGEST
    if len(found) <= LIST_DIGESTS:
        return hash16(b"\x00" + b"".join(found))
    return hash16(b"\x01" + b"".join(children(found, prefix)))
