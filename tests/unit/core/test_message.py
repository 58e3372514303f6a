"""The envelope of every event."""

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.message import Message, decode_message, encode_message
from edgenode.core.strictjson import decode, encode
from tests.unit.core.helpers import raises

SENDER = "0a" * 32
TEXT = encode_message("system:ping", {"nonce": 7}, 1700000000123, SENDER)


def read(text: bytes, max_bytes: int = 1000) -> Message:
    return decode_message(text, max_bytes=max_bytes, peer_id=SENDER)


def changed(name: str, value: object) -> bytes:
    members = decode(TEXT, max_bytes=1000)
    assert isinstance(members, dict)
    members[name] = value
    return encode(members)


def test_text_to_the_byte() -> None:
    expected = (
        '{"data":{"nonce":7},"sender":"' + SENDER + '","timestamp":1700000000123,'
        '"type":"system:ping"}'
    )
    assert TEXT.decode() == expected


def test_what_was_written_is_read() -> None:
    message = read(TEXT)
    assert (message.type, message.timestamp_ms) == ("system:ping", 1700000000123)
    assert message.sender == SENDER
    assert message.data.integer("nonce", 0, 9) == 7


def test_another_sender() -> None:
    for sender in ("0b" * 32, "", SENDER.upper()):
        error = raises(ProtocolError, read, changed("sender", sender))
        assert error.code == "protocol-violation"


def test_each_field_is_needed() -> None:
    for name in ("type", "data", "timestamp", "sender"):
        error = raises(DecodeError, read, changed(name, None))
        assert str(error).startswith("message." + name + ": expected"), name


def test_wrong_values() -> None:
    wrong: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("type", (7, "t" * 65, [])),
        ("data", ([], "a", 7, True)),
        ("timestamp", (-1, 1.5, "1", True)),
        ("sender", (7, "0a" * 33)),
    )
    for name, values in wrong:
        for value in values:
            error = raises(DecodeError, read, changed(name, value))
            assert str(error).startswith("message." + name), (name, value)


def test_bounds() -> None:
    assert read(changed("type", "t" * 64)).type == "t" * 64
    for timestamp in (0, 2**53 - 1):
        assert read(changed("timestamp", timestamp)).timestamp_ms == timestamp


def test_later_fields_are_ignored() -> None:
    assert read(changed("later", {"any": 1})).type == "system:ping"


def test_size() -> None:
    assert read(TEXT, max_bytes=len(TEXT)).type == "system:ping"
    raises(DecodeError, read, TEXT, len(TEXT) - 1)


def test_not_an_object() -> None:
    for text in (b"", b"[]", b"null", b'"a"', TEXT[:-1]):
        raises(DecodeError, read, text)
