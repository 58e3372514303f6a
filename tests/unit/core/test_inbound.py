"""From plaintext to record."""

from edgenode.core.errors import DecodeError, EdgenodeError, ProtocolError
from edgenode.core.events import Announce, BlockSync
from edgenode.core.frame import encode_chunk, encode_end, encode_message
from edgenode.core.hello import MAX_FRAME_BYTES
from edgenode.core.inbound import Chunk, Leave, Ping, Pong, decode_frame
from edgenode.core.message import encode_message as encode_text
from tests.unit.core.helpers import raises

PEER = "0a" * 32
BLOCK_ID = "0f" * 64


def event(type_: str, data: "dict[str, object]", sender: str = PEER) -> bytes:
    return encode_message(encode_text(type_, data, 0, sender))


def test_each_event_becomes_its_record() -> None:
    ping = decode_frame(event("system:ping", {"nonce": 1}), PEER)
    assert isinstance(ping, Ping)
    assert ping.nonce == 1
    pong = decode_frame(event("system:pong", {"nonce": 2}), PEER)
    assert isinstance(pong, Pong)
    assert pong.nonce == 2
    leave = decode_frame(event("node:leave", {"reason": "stopping"}), PEER)
    assert isinstance(leave, Leave)
    assert leave.reason == "stopping"
    data: dict[str, object] = {"version": "1", "wsPort": 1, "capabilities": [], "region": ""}
    announce = decode_frame(event("node:announce", data), PEER)
    assert isinstance(announce, Announce)
    assert announce.ws_port == 1
    have: dict[str, object] = {"op": "have", "blockId": BLOCK_ID, "fetchId": 3, "size": 4}
    sync = decode_frame(event("block:sync", have), PEER)
    assert isinstance(sync, BlockSync)
    assert (sync.op, sync.fetch_id, sync.size) == ("have", 3, 4)


def test_chunk() -> None:
    chunk = decode_frame(encode_chunk(1, 2, b"data"), PEER)
    assert isinstance(chunk, Chunk)
    assert (chunk.fetch_id, chunk.offset, chunk.data) == (1, 2, b"data")


def test_what_a_later_version_sends_is_ignored() -> None:
    for kind in range(3, 256):
        assert decode_frame(bytes((kind,)), PEER) is None
        assert decode_frame(bytes((kind,)) + b"anything", PEER) is None
    assert decode_frame(event("later:event", {"any": 1}), PEER) is None
    assert decode_frame(event("", {}), PEER) is None
    assert decode_frame(event("block:sync", {"op": "later"}), PEER) is None


def test_an_unknown_event_is_still_the_peers_own() -> None:
    error = raises(ProtocolError, decode_frame, event("later:event", {}, "0b" * 32), PEER)
    assert error.code == "protocol-violation"


def test_refused() -> None:
    raises(DecodeError, decode_frame, b"", PEER)
    raises(DecodeError, decode_frame, b"\x01", PEER)
    raises(DecodeError, decode_frame, b"\x02", PEER)
    raises(DecodeError, decode_frame, event("system:ping", {}), PEER)
    error = raises(ProtocolError, decode_frame, encode_end("bye"), PEER)
    assert error.code == "protocol-violation"


def test_a_message_over_the_size_of_a_frame() -> None:
    raises(DecodeError, decode_frame, b"\x01" + b" " * MAX_FRAME_BYTES + b"{}", PEER)


def test_nested_too_deep() -> None:
    text = event("later:event", {}).replace(b'"data":{}', b'"data":{"a":' + b"[" * 1000)
    raises(DecodeError, decode_frame, text, PEER)


def outcome(plaintext: bytes) -> str:
    """Give what comes of a frame; anything but a record or an error of ours passes through."""
    try:
        return type(decode_frame(plaintext, PEER)).__name__
    except EdgenodeError as error:
        return error.code


def test_changed_bytes_never_raise_anything_else() -> None:
    sound = (
        event("system:ping", {"nonce": 7}),
        event("block:sync", {"op": "lack", "blockId": BLOCK_ID, "fetchId": 3, "reason": "a"}),
        encode_chunk(1, 2, b"d"),
    )
    outcomes = set()
    for plaintext in sound:
        for place in range(len(plaintext)):
            for change in (1, 0x20, 0x80, 0xFF):
                changed = bytearray(plaintext)
                changed[place] ^= change
                outcomes.add(outcome(bytes(changed)))
            outcomes.add(outcome(plaintext[:place]))
    assert {"malformed", "protocol-violation", "NoneType", "Chunk"} <= outcomes
