"""What is signed: envelopes and payloads, tries, numbers that are taken once, sessions."""

import json

from edgenode.core.advertisement import decode_advertisement, decode_datagram, encode_datagram
from edgenode.core.batch import decode_batch
from edgenode.core.errors import DecodeError, EdgenodeError, ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.head import decode_head, encode_head
from edgenode.core.membership import Members, decode_membership, decode_text
from edgenode.core.peersessions import CHALLENGE_MS, PeerSessions, SessionRefused
from edgenode.core.request import RequestRefused, open_request, read_signed
from edgenode.core.rotation import CONFLICT, NEW, Retired, check_rotation, decode_rotation
from edgenode.core.strictjson import decode, encode
from edgenode.core.trie import EMPTY, LEAF_DIGESTS, Trie
from edgenode.core.window import WINDOW, Window
from edgenode.crypto import digest16
from tests.fuzz.engine import Target
from tests.fuzz.mutation import STEP
from tests.fuzz.targets.events import PEER, SIGNED
from tests.fuzz.targets.links import FLEET, verify

MAX_BYTES = 256 * 1024
BLOCK = "cd" * 64
OTHER = "0c" * 32
ERRORS = (DecodeError, ProtocolError)


def batch(data: bytes) -> str:
    """The updates of a batch are in bounds, and of types that are known."""
    found = decode_batch(data.decode("utf-8", "replace"))
    assert len(found.updates) <= 100
    for update in found.updates:
        assert len(encode(update.to_data())) <= 4096
    return ",".join(sorted({update.type for update in found.updates}))


def head(data: bytes) -> bool:
    """A head that is read is written so that it reads as the same."""
    found = decode_head(data.decode("utf-8", "replace"))
    assert encode_head(decode_head(encode_head(found))) == encode_head(found)
    return found.root == EMPTY


def rotation(data: bytes) -> str:
    """Only what both keys have signed of one another is taken, and no circle ever closes."""
    retired = Retired()
    taken = 0
    for step in data.split(STEP):
        statement = decode_rotation(Fields(decode(step, max_bytes=MAX_BYTES), "rotation"))
        check_rotation(statement, "main", verify)
        assert not any(statement.old.signature) and not any(statement.new.signature)
        how = retired.take(statement)
        taken += how == NEW
        if how != CONFLICT:
            assert retired.successor(statement.old_id) != statement.old_id
    return str(taken)


def membership(data: bytes) -> str:
    """Nobody belongs by a membership but the node that the fleet's key names, in its time."""
    signed = decode_text(data)
    decode_membership(signed)
    Members("main", [], [FLEET], verify, lambda: 1000).check(PEER, signed)
    said = json.loads(signed.payload)
    assert signed.node_id == FLEET and said["nodeId"] == PEER and said.get("notAfter") != 0
    return "member"


def advertisement(data: bytes) -> str:
    """Nobody advertises another."""
    signed = decode_datagram(data)
    found = decode_advertisement(signed)
    assert found.node_id == signed.node_id
    assert decode_datagram(encode_datagram(signed)).to_data() == signed.to_data()
    return found.address


def request(data: bytes) -> str:
    """What is opened was signed for this node, method, path and token."""
    signed = read_signed(decode(data, max_bytes=MAX_BYTES), "body")  # type: ignore[arg-type]
    open_request(
        signed,
        node_id=PEER,
        network="main",
        audience=OTHER,
        method="POST",
        path="/sync/request",
        token_hash=bytes(16),
        verify_fn=verify,
    )
    said = json.loads(signed.payload)
    assert (said["audience"], said["method"]) == (OTHER, "POST")
    assert (said["path"], said["tokenHash"]) == ("/sync/request", "00" * 16)
    return "opened"


def trie(data: bytes) -> int:
    """The trie is that of the set, in whatever order it came to be."""
    made = Trie(_short_hash)
    there: set[bytes] = set()
    for at in range(0, min(len(data) - 2, 600), 3):
        kind, first, second = data[at : at + 3]
        digest = bytes((first & 0x11, second)) + bytes(14)
        if kind >= 0xC0:
            assert made.remove(digest) == (digest in there)
            there.discard(digest)
        else:
            assert made.add(digest) == (digest not in there)
            there.add(digest)
    assert len(made) == len(there)
    assert made.root() == Trie(_short_hash, there).root()
    prefix = data[-2:].hex()[: 1 + len(data) % 4]
    what, found = made.node(prefix)
    if what == "list":
        assert found == sorted(each for each in there if each.hex().startswith(prefix))
    return len(there) // LEAF_DIGESTS


def window(data: bytes) -> int:
    """A pair is taken once; never one that is as old as the window is long."""
    taking = Window()
    taken: set[tuple[int, int]] = set()
    for at in range(0, min(len(data) - 2, 600), 3):
        epoch = data[at] & 3
        pair = (epoch, int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FF)
        if taking.take(*pair):
            assert pair not in taken
            assert not taken or pair[0] >= max(taken)[0]
            taken.add(pair)
        elif epoch and pair not in taken:
            highest = max(taken)
            assert pair[0] < highest[0] or pair[1] <= highest[1] - WINDOW
    return len(taken) // 8


def session(data: bytes) -> str:
    """Only a challenge that was given to this node, lately, and was not used opens a session."""
    table = PeerSessions(
        own_id=OTHER,
        network="main",
        mac=lambda said: digest16(b"a secret" + said),
        hash16=digest16,
        verify_fn=verify,
    )
    given = {table.challenge(PEER, now_ms): now_ms for now_ms in (0, 1, 5000)}
    opened = 0
    now_ms = 5000
    used = -1
    for number, step in enumerate(data.split(STEP)):
        now_ms += len(step) & 0xFFF
        challenge = _given(step, list(given))
        try:
            found = table.begin(PEER, challenge, bytes(64), bytes([number]) * 32, b"net", now_ms)
        except SessionRefused:
            continue
        assert now_ms - given[challenge] <= CHALLENGE_MS
        assert found.number > used
        used = found.number
        opened += 1
        assert len(table) == 1
    return str(opened)


def _given(step: bytes, given: list[bytes]) -> bytes:
    """Take one of those that were given, and change it as the step says."""
    if not step or step[0] >= 0x30 + len(given):
        return step
    chosen = given[step[0] % len(given)]
    return (
        chosen
        if len(step) < 3
        else bytes(a ^ b for a, b in zip(chosen, step[2:].ljust(32, b"\0"), strict=False))
    )


def _short_hash(data: bytes) -> bytes:
    return hash(data).to_bytes(8, "big", signed=True) * 2


_BATCH = encode(
    {
        "batchId": "b1",
        "timestamp": 5,
        "updates": [
            {"type": "TEMPERATURE", "blockId": BLOCK, "data": {"class": "HOT"}},
            {"type": "LOCATION", "blockId": BLOCK, "data": {"size": 5}},
            {"type": "LOCATION", "blockId": BLOCK, "data": None},
            {"type": "LATER", "blockId": 1},
            {
                "type": "METADATA",
                "blockId": BLOCK,
                "data": {
                    "size": 5,
                    "createdAt": 1,
                    "expiresAt": 2,
                    "durabilityLevel": "high",
                    "user": {"name": "é", "b": "\0"},
                },
            },
        ],
    }
)
_HEAD = encode(
    {"batchEpoch": 1, "batchSeq": 2, "floorEpoch": 0, "floorSeq": 0, "root": "12" * 16, "count": 3}
)


def _signed(payload: dict[str, object], signer: str = PEER) -> dict[str, object]:
    return {**SIGNED, "nodeId": signer, "payload": encode(payload).decode()}


def _statement(old: str, new: str) -> bytes:
    said: dict[str, object] = {"oldNodeId": old, "newNodeId": new}
    return encode({"old": _signed(said, old), "new": _signed(said, new)})


_ADVERTISEMENT: dict[str, object] = {
    "nodeId": PEER,
    "address": "2001:db8::1",
    "port": 4242,
    "capabilities": ["blocks"],
    "version": "0.1.0",
}
_REQUEST: dict[str, object] = {
    "audience": OTHER,
    "method": "POST",
    "path": "/sync/request",
    "tokenHash": "00" * 16,
    "body": {"blockIds": []},
}
_CIRCLE = STEP.join((_statement(PEER, OTHER), _statement(OTHER, FLEET), _statement(FLEET, PEER)))

TARGETS = (
    Target("batch", batch, (DecodeError,), lambda: [_BATCH], weight=8),
    Target("head", head, (DecodeError,), lambda: [_HEAD]),
    Target("rotation", rotation, ERRORS, lambda: [_statement(PEER, OTHER), _CIRCLE]),
    Target(
        "membership",
        membership,
        ERRORS,
        lambda: [encode(_signed({"nodeId": PEER, "notAfter": 2000}, FLEET))],
    ),
    Target("advertisement", advertisement, ERRORS, lambda: [encode(_signed(_ADVERTISEMENT))]),
    Target("request", request, (DecodeError, RequestRefused), lambda: [encode(_signed(_REQUEST))]),
    Target("trie", trie, (), lambda: [bytes(range(256)) * 2, b"\x08\0\0" * 99], weight=2),
    Target("window", window, (), lambda: [bytes(range(256)), b"\x01\0\x05\x01\0\x04" * 20]),
    Target(
        "session", session, (EdgenodeError,), lambda: [STEP.join((b"0", b"1", b"2", b"00\x01"))]
    ),
)
