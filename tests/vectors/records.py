"""The vectors of records: signed batches and heads, tries, frames, and what is refused."""

import json
from collections.abc import Iterable
from typing import Any

from edgenode.core.batch import encode_batch
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.head import Head, encode_head
from edgenode.core.message import (
    BLOCK_LOCATION,
    BLOCK_TEMPERATURE,
    METADATA_SYNC,
    METADATA_UPDATE,
    NODE_STATUS,
    encode_message,
)
from edgenode.core.pae import signed_bytes
from edgenode.core.records import LOCATION, METADATA, TEMPERATURE, Update
from edgenode.core.signed import Signed, digest, sign
from edgenode.core.strictjson import encode
from edgenode.core.syncevents import Batches, NodeStatus, OriginStatus
from edgenode.core.trie import EMPTY, Trie
from edgenode.core.triesync import (
    AckBatches,
    AskNode,
    HaveBatches,
    NodeChildren,
    NodeList,
    WantBatches,
)
from edgenode.crypto import SigningKey, digest16

TIME_MS = 1_700_000_000_100
EPOCH = 3

# How many digests the tries of the vectors have, and the prefixes that are shown.
TRIES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("",)),
    (3, ("", "0")),
    (64, ("",)),
    (65, ("", "0", "00")),
    (1000, ("", "0", "f", "f0")),
)


def numbered(number: int) -> bytes:
    """Give digest `number` of the tries."""
    return digest16(number.to_bytes(8, "little"))


def updates(held: str, absent: str) -> list[list[Update]]:
    """Give the updates of each batch."""
    metadata: dict[str, object] = {
        "size": 49,
        "createdAt": 1_700_000_000_000,
        "expiresAt": 1_800_000_000_000,
        "durabilityLevel": "standard",
        "user": {"title": "caf\u00e9", 'a "quoted" key': "line\nline"},
    }
    return [
        [
            Update(TEMPERATURE, held, {"class": "HOT"}),
            Update(LOCATION, held, {"size": 49}),
            Update(METADATA, held, metadata),
            Update(TEMPERATURE, absent, None),
        ],
        [Update(TEMPERATURE, held, {"class": "VIRAL"})],
        [Update(LOCATION, absent, None)],
    ]


class Origin:
    """Signs as the node of the vectors does."""

    def __init__(self, network: str, key: SigningKey) -> None:
        self.network = network
        self.key = key
        self.node_id = key.public_key.hex()

    def sign(self, context: str, seq: int, payload: str, *, network: str | None = None) -> Signed:
        return sign(
            context,
            self.network if network is None else network,
            self.key.public_key,
            EPOCH,
            seq,
            TIME_MS + seq - 1,
            payload,
            self.key.sign,
        )

    def digest(self, signed: Signed, context: str) -> bytes:
        return digest(signed, context, self.network, digest16)

    def batches(self, held: str, absent: str) -> list[Signed]:
        return [
            self.sign(
                "batch",
                seq,
                encode_batch(f"{self.node_id[:16]}-{EPOCH}-{seq}", TIME_MS + seq - 1, batch),
            )
            for seq, batch in enumerate(updates(held, absent), 1)
        ]

    def head(self, digests: list[bytes]) -> Signed:
        head = Head(
            batch_epoch=EPOCH,
            batch_seq=len(digests),
            floor_epoch=EPOCH,
            floor_seq=1,
            root=Trie(digest16, digests).root(),
            count=len(digests),
        )
        return self.sign("head", 1, encode_head(head))

    def shown(self, signed: Signed, context: str) -> dict[str, object]:
        """Give all that the vectors say of a message."""
        message = signed_bytes(
            context,
            self.network,
            self.key.public_key,
            signed.epoch,
            signed.seq,
            signed.timestamp_ms,
            signed.payload.encode(),
        )
        return {
            "nodeId": signed.node_id,
            "epoch": signed.epoch,
            "seq": signed.seq,
            "timestamp": signed.timestamp_ms,
            "payload": signed.payload,
            "signedBytes": message.hex(),
            "signature": signed.signature.hex(),
            "digest": self.digest(signed, context).hex(),
            "message": _text(signed),
        }


def record_vectors(
    network: str, keys: dict[str, SigningKey], held: str, absent: str
) -> dict[str, object]:
    """Give the vectors by their keys in the file."""
    origin = Origin(network, keys["initiator"])
    batches = origin.batches(held, absent)
    head = origin.head([origin.digest(batch, "batch") for batch in batches])
    ids = {side: key.public_key.hex() for side, key in keys.items()}
    return {
        "batches": [origin.shown(batch, "batch") for batch in batches],
        "heads": [origin.shown(head, "head")],
        "tries": [_trie(count, prefixes) for count, prefixes in TRIES],
        "recordFrames": list(_frames(origin, batches, head, ids)),
        "refusedMessages": _refused_messages(origin, batches[0], head),
        "droppedPayloads": _dropped_payloads(batches[0].payload, head.payload, held),
    }


def _trie(count: int, prefixes: tuple[str, ...]) -> dict[str, object]:
    trie = Trie(digest16, map(numbered, range(count)))
    nodes: list[dict[str, object]] = []
    for prefix in prefixes:
        kind, digests = trie.node(prefix)
        nodes.append({"prefix": prefix, kind: [item.hex() for item in digests]})
    return {"count": count, "root": trie.root().hex(), "nodes": nodes}


def _frames(
    origin: Origin, batches: list[Signed], head: Signed, ids: dict[str, str]
) -> Iterable[dict[str, object]]:
    node = origin.node_id
    digests = [origin.digest(batch, "batch") for batch in batches]
    rows = [(signed.epoch, signed.seq, item) for signed, item in zip(batches, digests, strict=True)]
    listed = sorted(rows, key=lambda row: row[2])
    first = Trie(digest16, digests[:1]).root()
    whole = Trie(digest16, digests).root()
    large = Trie(digest16, map(numbered, range(1000)))
    steps: list[tuple[str, str, dict[str, object]]] = [
        ("initiator", METADATA_UPDATE, Batches(METADATA_UPDATE, batches[:1]).to_data()),
        ("initiator", BLOCK_TEMPERATURE, Batches(BLOCK_TEMPERATURE, batches[1:2]).to_data()),
        ("initiator", BLOCK_LOCATION, Batches(BLOCK_LOCATION, batches[2:]).to_data()),
        ("responder", METADATA_SYNC, AckBatches(digests).to_data()),
        (
            "initiator",
            NODE_STATUS,
            NodeStatus([OriginStatus(node, head, whole, len(digests))], True).to_data(),
        ),
        (
            "responder",
            NODE_STATUS,
            NodeStatus(
                [
                    OriginStatus(node, None, first, 1),
                    OriginStatus(ids["responder"], None, EMPTY, 0),
                ],
                True,
            ).to_data(),
        ),
        ("responder", METADATA_SYNC, AskNode(node, "").to_data()),
        ("initiator", METADATA_SYNC, NodeList(node, "", listed).to_data()),
        ("responder", METADATA_SYNC, WantBatches(node, [(EPOCH, 2), (EPOCH, 3)]).to_data()),
        (
            "initiator",
            METADATA_SYNC,
            HaveBatches([(node, *row) for row in rows[1:]]).to_data(),
        ),
        ("responder", METADATA_SYNC, AskNode(node, "f0").to_data()),
        ("initiator", METADATA_SYNC, NodeChildren(node, "", large.node("")[1]).to_data()),
    ]
    for count, (side, type_, data) in enumerate(steps):
        text = encode_message(type_, data, TIME_MS + count, ids[side])
        yield {"sender": side, "text": text.decode(), "plaintext": encode_frame(text).hex()}


def _refused_messages(origin: Origin, batch: Signed, head: Signed) -> list[dict[str, str]]:
    message: dict[str, Any] = batch.to_data()
    other = origin.sign("batch", batch.seq, batch.payload, network="other")
    signature = batch.signature

    def changed(**members: object) -> str:
        return encode({**message, **members}).decode()

    # S + the order of the group: the same signature to a verifier that is not strict.
    order = 2**252 + 27742317777372353535851937790883648493
    longer = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    cases = [
        ("another payload", "batch", changed(payload=batch.payload + " "), "bad-signature"),
        ("another epoch", "batch", changed(epoch=EPOCH + 1), "bad-signature"),
        ("another seq", "batch", changed(seq=batch.seq + 1), "bad-signature"),
        ("another time", "batch", changed(timestamp=TIME_MS + 1), "bad-signature"),
        ("another origin", "batch", changed(nodeId="29" + origin.node_id[2:]), "bad-signature"),
        ("of another network", "batch", _text(other), "bad-signature"),
        ("a head as a batch", "batch", _text(head), "bad-signature"),
        ("a batch as a head", "head", _text(batch), "bad-signature"),
        (
            "S not below the order",
            "batch",
            changed(signature=(signature[:32] + longer).hex()),
            "bad-signature",
        ),
        ("epoch 0", "batch", changed(epoch=0), "malformed"),
        ("seq below 0", "batch", changed(seq=-1), "malformed"),
        (
            "epoch of 2^53",
            "batch",
            changed(epoch=2**52).replace(str(2**52), str(2**53)),
            "malformed",
        ),
        ("signature of 63 bytes", "batch", changed(signature=signature[1:].hex()), "malformed"),
        ("no payload", "batch", changed(payload=None), "malformed"),
        ("payload of 32,769 bytes", "batch", changed(payload="\u00e9" * 16384 + "a"), "malformed"),
    ]
    return [
        {"name": name, "context": context, "message": text, "reason": reason}
        for name, context, text, reason in cases
    ]


def _dropped_payloads(batch: str, head: str, held: str) -> list[dict[str, str]]:
    def of(*items: dict[str, object], **members: object) -> str:
        return json.dumps({"batchId": "b", "timestamp": 0, "updates": items, **members})

    def update(type_: str, data: object) -> dict[str, object]:
        return {"type": type_, "blockId": held, "data": data}

    hot = update("TEMPERATURE", {"class": "HOT"})
    shown: dict[str, Any] = json.loads(head)
    cases = [
        ("not JSON", "batch", batch[:-1]),
        ("no updates", "batch", of()),
        ("101 updates", "batch", of(*[hot] * 101)),
        ("batchId of 65 characters", "batch", of(hot, batchId="b" * 65)),
        ("no timestamp", "batch", of(hot, timestamp=None)),
        ("a class that is not known", "batch", of(hot, update("TEMPERATURE", {"class": "hot"}))),
        ("a location without size", "batch", of(update("LOCATION", {}))),
        ("a location of nothing", "batch", of(update("LOCATION", {"size": 0}))),
        ("block id in capitals", "batch", of({**hot, "blockId": held.upper()})),
        (
            "17 user keys",
            "batch",
            of(update("METADATA", {"user": {str(i): "" for i in range(17)}})),
        ),
        ("user value of 257", "batch", of(update("METADATA", {"user": {"a": "v" * 257}}))),
        ("user key of 33", "batch", of(update("METADATA", {"user": {"k" * 33: ""}}))),
        ("user value 1", "batch", of(update("METADATA", {"user": {"a": 1}}))),
        ("durabilityLevel of 33", "batch", of(update("METADATA", {"durabilityLevel": "d" * 33}))),
        ("expiresAt with a fraction", "batch", of(update("METADATA", {"expiresAt": 1.5}))),
        ("an update of over 4,096 bytes", "batch", of(update("METADATA", _long_user()))),
        ("head of 1,025 bytes", "head", head + " " * (1025 - len(head))),
        ("root of zeros with batches", "head", json.dumps({**shown, "root": "00" * 16})),
        ("a root without batches", "head", json.dumps({**shown, "count": 0})),
        ("no floor", "head", json.dumps({**shown, "floorSeq": None})),
    ]
    return [{"name": name, "context": context, "payload": text} for name, context, text in cases]


def _long_user() -> dict[str, object]:
    return {"user": {f"{number}": "v" * 256 for number in range(16)}}


def _text(signed: Signed) -> str:
    return encode(signed.to_data()).decode()
