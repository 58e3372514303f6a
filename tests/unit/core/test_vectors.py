"""The core against the test vectors of docs/protocol.md; what needs libsodium is given to it."""

from edgenode.core.advertisement import (
    Advertisement,
    advertise,
    decode_advertisement,
    decode_datagram,
    encode_datagram,
)
from edgenode.core.batch import decode_batch, encode_batch
from edgenode.core.errors import DecodeError, EdgenodeError, ProtocolError
from edgenode.core.events import Announce, BlockSync
from edgenode.core.fields import Fields
from edgenode.core.frame import encode_chunk, encode_end, encode_message
from edgenode.core.handshake import INITIATOR, RESPONDER, Initiator, Responder, Secrets
from edgenode.core.head import decode_head, encode_head
from edgenode.core.hello import Hello, decode_hello
from edgenode.core.inbound import Chunk, Leave, Ping, Pong, decode_frame
from edgenode.core.message import ANNOUNCE, BLOCK_SYNC, LEAVE, PING, PONG
from edgenode.core.message import encode_message as encode_text
from edgenode.core.pae import handshake_bytes, pae, signed_bytes
from edgenode.core.signed import Signed, check, decode_signed, digest
from edgenode.core.strictjson import decode, encode
from tests.unit.core.helpers import raises
from tests.unit.core.vectors import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

VECTORS = load()
SIDES = ("initiator", "responder")
ROLES = {"initiator": INITIATOR, "responder": RESPONDER}


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def node_id(side: str) -> str:
    return str(VECTORS["nodes"][side]["nodeId"])


def hello(side: str) -> Hello:
    return decode_hello(VECTORS["hello"][side].encode())


def secrets(side: str) -> Secrets:
    """Give the recorded results of libsodium, for the recorded arguments and no others."""
    other = SIDES[1 - SIDES.index(side)]
    own, peer = VECTORS["handshake"][side], VECTORS["handshake"][other]

    def sign(message: bytes) -> bytes:
        assert message == unhex(own["signedBytes"])
        return unhex(own["signature"])

    def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
        signed = (node_id(other), peer["signedBytes"], peer["signature"])
        return (public_key.hex(), message.hex(), signature.hex()) == signed

    def agree(peer_key: bytes) -> bytes:
        assert peer_key.hex() == VECTORS["ephemeral"][other]["publicKey"]
        return unhex(own["streamHeader"])

    return Secrets(sign, verify, agree)


def responder() -> Responder:
    def make_hello(peer_id: str) -> Hello:
        return hello("responder")

    return Responder(make_hello, secrets("responder"))


def test_pae() -> None:
    for case in VECTORS["pae"]:
        pieces = [
            unhex(piece["bytes"]) if "bytes" in piece else int(piece["integer"])
            for piece in case["pieces"]
        ]
        assert pae(pieces).hex() == case["encoded"]


def test_hellos_are_read_and_written_alike() -> None:
    for side in SIDES:
        text = VECTORS["hello"][side]
        read = decode_hello(text.encode())
        assert read.node_id == node_id(side)
        assert read.network == VECTORS["network"]
        assert read.ephemeral_key.hex() == VECTORS["ephemeral"][side]["publicKey"]
        assert read.raw == text.encode()
        written = Hello(
            network=read.network,
            node_id=read.node_id,
            expected_node_id=read.expected_node_id,
            nonce=read.nonce,
            ephemeral_key=read.ephemeral_key,
            instance=read.instance,
            frame_limit=read.frame_limit,
        )
        assert written.raw == text.encode()


def test_signed_bytes() -> None:
    raw = [VECTORS["hello"][side].encode() for side in SIDES]
    for side in SIDES:
        signed = handshake_bytes(ROLES[side], VECTORS["network"], unhex(node_id(side)), *raw)
        assert signed.hex() == VECTORS["handshake"][side]["signedBytes"]


def test_the_handshake() -> None:
    dialling = Initiator(hello("initiator"), secrets("initiator"))
    accepting = responder()
    raw, proof = accepting.on_hello(VECTORS["hello"]["initiator"].encode())
    assert raw.decode() == VECTORS["hello"]["responder"]
    assert proof.hex() == VECTORS["handshake"]["responder"]["proof"]
    dialling.on_hello(raw)
    answer, header = dialling.on_proof(proof)
    assert answer.hex() == VECTORS["handshake"]["initiator"]["proof"]
    assert header.hex() == VECTORS["handshake"]["responder"]["streamHeader"]
    assert accepting.on_proof(answer).hex() == VECTORS["handshake"]["initiator"]["streamHeader"]


def test_refused_hellos() -> None:
    for case in VECTORS["refusedHellos"]:
        error = raises(EdgenodeError, responder().on_hello, case["text"].encode())
        assert error.code == case["reason"], case["name"]


def test_frames_are_read() -> None:
    records = [
        decode_frame(unhex(frame["plaintext"]), node_id(frame["sender"]))
        for frame in VECTORS["frames"]
        if frame["kind"] != "end"
    ]
    kinds = [type(record).__name__ for record in records]
    assert kinds == ["Announce"] * 2 + ["Ping", "Pong"] + ["BlockSync"] * 5 + ["Chunk", "Leave"]
    announce, other, ping, pong = records[:4]
    assert isinstance(announce, Announce)
    assert (announce.http_port, announce.ws_port) == (4280, 4242)
    assert (announce.version, announce.region) == ("0.1.0", "eu-central")
    assert announce.capabilities == ["blocks"]
    assert isinstance(other, Announce)
    assert (other.http_port, other.region) == (None, "")
    assert other.capabilities == ["blocks", "caf\u00e9"]
    assert isinstance(ping, Ping)
    assert isinstance(pong, Pong)
    assert ping.nonce == pong.nonce == 4294967295
    block = VECTORS["blocks"][2]
    steps = [record for record in records if isinstance(record, BlockSync)]
    assert [step.op for step in steps] == ["want", "lack", "want", "have", "want"]
    assert [step.fetch_id for step in steps] == [1, 1, 2, 2, 3]
    assert [step.length for step in steps] == [0, 0, 0, 0, 49]
    assert [step.size for step in steps] == [0, 0, 0, 49, 0]
    assert steps[1].reason == "not-held"
    assert [step.block_id == block["blockId"] for step in steps] == [False, False, True, True, True]
    chunk, leave = records[9:]
    assert isinstance(chunk, Chunk)
    assert (chunk.fetch_id, chunk.offset) == (3, 0)
    assert chunk.data.hex() == block["bytes"]
    assert isinstance(leave, Leave)
    assert leave.reason == "stopping"


def test_signed_messages() -> None:
    for context, key in (
        ("batch", "batches"),
        ("head", "heads"),
        ("advertisement", "advertisements"),
    ):
        for case in VECTORS[key]:
            _check_signed(context, case)


def _check_signed(context: str, case: "Any") -> None:
    def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
        recorded = (case["nodeId"], case["signedBytes"], case["signature"])
        return (public_key.hex(), message.hex(), signature.hex()) == recorded

    def hash16(data: bytes) -> bytes:
        assert data == unhex(case["signedBytes"]) + unhex(case["signature"])
        return unhex(case["digest"])

    fields = Fields(decode(case["message"].encode(), max_bytes=10_000), "message")
    signed = decode_signed(fields)
    assert encode(signed.to_data()) == case["message"].encode()
    check(signed, context, VECTORS["network"], verify)
    assert digest(signed, context, VECTORS["network"], hash16).hex() == case["digest"]
    numbers = (signed.epoch, signed.seq, signed.timestamp_ms, signed.payload.encode())
    key = unhex(signed.node_id)
    assert signed_bytes(context, VECTORS["network"], key, *numbers).hex() == case["signedBytes"]
    signed.seq += 1
    error = raises(ProtocolError, check, signed, context, VECTORS["network"], verify)
    assert error.code == "bad-signature"


def test_batches_are_read_and_written_alike() -> None:
    types = []
    for case in VECTORS["batches"]:
        batch = decode_batch(case["payload"])
        types.append([update.type for update in batch.updates])
        written = encode_batch(batch.batch_id, batch.timestamp_ms, batch.updates)
        assert written == case["payload"]
    first = ["TEMPERATURE", "LOCATION", "METADATA", "TEMPERATURE"]
    assert types == [first, ["TEMPERATURE"], ["LOCATION"]]


def test_heads_are_read_and_written_alike() -> None:
    for case in VECTORS["heads"]:
        head = decode_head(case["payload"])
        assert (head.batch_epoch, head.batch_seq, head.floor_epoch, head.floor_seq) == (3, 3, 3, 1)
        assert head.count == 3
        assert encode_head(head) == case["payload"]


def _read_advertisement(payload: str, node: str = "") -> Advertisement:
    return decode_advertisement(Signed(node or node_id("initiator"), 3, 1, 0, payload, b""))


def _signs(signature: bytes) -> "Callable[[bytes], bytes]":
    return lambda _: signature


def test_advertisements_are_read_and_written_alike() -> None:
    places = []
    for case in VECTORS["advertisements"]:
        said = _read_advertisement(case["payload"], case["nodeId"])
        places.append((said.address, said.port, said.version))
        numbers = (case["epoch"], case["seq"], case["timestamp"])
        made = advertise(said, VECTORS["network"], *numbers, _signs(unhex(case["signature"])))
        assert made.payload == case["payload"]
        assert encode_datagram(made) == case["message"].encode()
        assert decode_datagram(case["message"].encode()).seq == case["seq"]
    addresses = ("192.0.2.7", "2001:db8::7", "", "198.51.100.9")
    assert places == [(address, 4242, "0.1.0") for address in addresses]


def test_dropped_advertisements() -> None:
    for case in VECTORS["droppedAdvertisements"]:
        raises(DecodeError, _read_advertisement, case["payload"])


def test_advertisements_in_an_announcement() -> None:
    records = _read_and_written_alike(VECTORS["advertisementFrames"])
    told = [[signed.payload for signed in record.advertisements] for record in records]
    made = [case["payload"] for case in VECTORS["advertisements"]]
    assert told == [made[:2], made[3:]]


def test_dropped_payloads() -> None:
    decoders = {"batch": decode_batch, "head": decode_head}
    for case in VECTORS["droppedPayloads"]:
        raises(DecodeError, decoders[case["context"]], case["payload"])


def _read_and_written_alike(frames: "Any") -> "list[Any]":
    """Give what each frame says; what it says, written anew, is the same data."""
    records: list[Any] = []
    for frame in frames:
        text = frame["text"].encode()
        assert encode_message(text) == unhex(frame["plaintext"])
        record: Any = decode_frame(unhex(frame["plaintext"]), node_id(frame["sender"]))
        records.append(record)
        message: Any = decode(text, max_bytes=10_000)
        sent = encode_text(message["type"], record.to_data(), message["timestamp"], frame["sender"])
        read: Any = decode(sent, max_bytes=10_000)
        assert read["data"] == message["data"]
    return records


def test_record_frames_are_read_and_written_alike() -> None:
    records = _read_and_written_alike(VECTORS["recordFrames"])
    sent_by_first = ["Batches", "Batches", "Batches", "AckBatches", "NodeStatus", "NodeStatus"]
    asked = ["AskNode", "NodeList", "WantBatches", "HaveBatches", "AskNode", "NodeChildren"]
    assert [type(record).__name__ for record in records] == sent_by_first + asked


def test_reach_frames_are_read_and_written_alike() -> None:
    ask, result, want, have, *steps = _read_and_written_alike(VECTORS["reachFrames"])
    assert (ask.op, ask.nonce, ask.port) == ("ask", bytes(range(16)), 4242)
    assert (result.op, result.nonce) == ("result", ask.nonce)
    assert (result.result, result.address) == ("reached", "192.0.2.7")
    assert [(step.op, step.through) for step in (want, have)] == [("want", True), ("have", True)]
    ops = ["call", "connect", "sync", "call", "dial", "call", "lack"]
    assert [step.op for step in steps] == ops
    assert [step.meet_id for step in steps] == [7, 7, 7, 8, 8, 9, 9]
    assert [step.port for step in steps] == [0, 40002, 40001, 0, 5000, 5000, 0]
    third = steps[0].node
    assert [step.node for step in steps] == [third] * 7
    seen = [number for number, step in enumerate(steps) if step.address == "198.51.100.9"]
    assert seen == [1, 3]
    assert steps[1].waited_ms == 83
    assert steps[6].reason == "not-linked"


def _data_of(record: object) -> "tuple[str, dict[str, object]]":
    if isinstance(record, Announce):
        return ANNOUNCE, record.to_data()
    if isinstance(record, BlockSync):
        return BLOCK_SYNC, record.to_data()
    if isinstance(record, Ping):
        return PING, {"nonce": record.nonce}
    if isinstance(record, Pong):
        return PONG, {"nonce": record.nonce}
    assert isinstance(record, Leave)
    return LEAVE, {"reason": record.reason}


def test_frames_are_written() -> None:
    for frame in VECTORS["frames"]:
        plaintext = unhex(frame["plaintext"])
        if frame["kind"] == "end":
            assert plaintext == encode_end("bye")
            continue
        sender = node_id(frame["sender"])
        record = decode_frame(plaintext, sender)
        if isinstance(record, Chunk):
            assert encode_chunk(record.fetch_id, record.offset, record.data) == plaintext
            continue
        message: Any = decode(frame["text"].encode(), max_bytes=1000)
        text = encode_text(*_data_of(record), message["timestamp"], sender)
        assert text == frame["text"].encode()
        assert encode_message(text) == plaintext


def test_refused_frames() -> None:
    for case in VECTORS["refusedFrames"]:
        sender = node_id("initiator")
        error = raises(EdgenodeError, decode_frame, unhex(case["plaintext"]), sender)
        assert error.code == case["reason"], case["name"]


def test_ignored_frames() -> None:
    for case in VECTORS["ignoredFrames"]:
        assert decode_frame(unhex(case["plaintext"]), node_id("initiator")) is None, case["name"]


def test_recorded_functions_take_nothing_else() -> None:
    # The handshake test above says something only if an altered proof does not pass it.
    accepting = responder()
    accepting.on_hello(VECTORS["hello"]["initiator"].encode())
    proof = bytearray(unhex(VECTORS["handshake"]["initiator"]["proof"]))
    proof[0] ^= 1
    assert raises(ProtocolError, accepting.on_proof, bytes(proof)).code == "bad-proof"
