"""SignedMessage: written, read, checked before it is read."""

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.pae import signed_bytes
from edgenode.core.reasons import close_code
from edgenode.core.signed import MAX_PAYLOAD_BYTES, Signed, check, decode_signed, digest, sign
from edgenode.core.strictjson import decode, encode
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import (
    KEY,
    NETWORK,
    ORIGIN,
    fake_signature,
    hash16,
    signed,
    signer,
    verify,
)

NAMES = ("payload", "timestamp", "nodeId", "epoch", "seq", "signature")


def read(changes: "dict[str, object]") -> Signed:
    members = signed("{}").to_data()
    members.update(changes)
    return decode_signed(Fields(members, "m"))


def test_what_is_signed() -> None:
    message = signed_bytes("batch", NETWORK, KEY, 3, 7, 1700000000123, b'{"a":"\xc3\xa9"}')
    made = signed('{"a":"\u00e9"}')
    assert made.signature == fake_signature(KEY, message)
    check(made, "batch", NETWORK, verify)
    assert digest(made, "batch", NETWORK, hash16) == hash16(message + made.signature)


def test_on_the_wire() -> None:
    made = signed("{}")
    expected: dict[str, object] = {
        "payload": "{}",
        "timestamp": 1700000000123,
        "nodeId": ORIGIN,
        "epoch": 3,
        "seq": 7,
        "signature": made.signature.hex(),
    }
    assert made.to_data() == expected


def test_another_envelope_of_the_same_message() -> None:
    made = signed('{ "b":1,\n"a" : "\\u00e9" }')
    members = made.to_data()
    members["later"] = {"any": [1]}
    text = encode(members).replace(b",", b" ,\r\n ")
    # A comma in the payload is not part of the envelope.
    text = text.replace(b"1 ,\r\n \\n", b"1,\\n")
    again = decode_signed(Fields(decode(text, max_bytes=1000), "m"))
    assert again.payload == made.payload
    assert again.to_data() == made.to_data()
    check(again, "batch", NETWORK, verify)
    assert digest(again, "batch", NETWORK, hash16) == digest(made, "batch", NETWORK, hash16)


def test_whatever_is_changed_shows() -> None:
    made = signed('{"a":1}')
    changes: dict[str, object] = {
        "payload": '{"a":1} ',
        "timestamp": 1700000000124,
        "nodeId": "0b" * 32,
        "epoch": 4,
        "seq": 8,
        "signature": "00" * 64,
    }
    check(made, "batch", NETWORK, verify)
    seen = {digest(made, "batch", NETWORK, hash16)}
    for name in NAMES:
        members = made.to_data()
        members[name] = changes[name]
        other = decode_signed(Fields(members, "m"))
        error = raises(ProtocolError, check, other, "batch", NETWORK, verify)
        assert error.code == "bad-signature", name
        seen.add(digest(other, "batch", NETWORK, hash16))
    assert len(seen) == len(NAMES) + 1


def test_a_signature_serves_one_use_in_one_network() -> None:
    made = signed("{}")
    for context, network in (("head", NETWORK), ("batch", "test")):
        error = raises(ProtocolError, check, made, context, network, verify)
        assert error.code == "bad-signature"
    raises(ValueError, check, made, "later", NETWORK, verify)
    raises(ValueError, sign, "later", NETWORK, KEY, 1, 1, 1, "{}", signer())


def test_the_reason_has_a_close_code() -> None:
    assert close_code("bad-signature") == 4012


def test_each_field_is_needed() -> None:
    for name in NAMES:
        error = raises(DecodeError, read, {name: None})
        assert str(error).startswith("m." + name + ": expected"), name


def test_wrong_values() -> None:
    wrong: tuple[tuple[str, tuple[object, ...]], ...] = (
        (
            "payload",
            (1, {}, "a" * (MAX_PAYLOAD_BYTES + 1), "\u00e9" * (MAX_PAYLOAD_BYTES // 2 + 1)),
        ),
        ("timestamp", (-1, 2**53, 1.0, True)),
        ("nodeId", ("0A" * 32, "0a" * 31, 7)),
        ("epoch", (0, -1, 2**53, 1.0, "1")),
        ("seq", (-1, 2**53, 1.0, "1")),
        ("signature", ("00" * 63, "00" * 65, "0G" * 64)),
    )
    for name, values in wrong:
        for value in values:
            error = raises(DecodeError, read, {name: value})
            assert str(error).startswith("m." + name + ": "), name


def test_bounds() -> None:
    most = 2**53 - 1
    made = read({"timestamp": most, "epoch": most, "seq": most})
    assert (made.timestamp_ms, made.epoch, made.seq) == (most, most, most)
    made = read({"timestamp": 0, "epoch": 1, "seq": 0})
    assert (made.timestamp_ms, made.epoch, made.seq) == (0, 1, 0)
    for payload in ("", "a" * MAX_PAYLOAD_BYTES, "\u00e9" * (MAX_PAYLOAD_BYTES // 2)):
        assert read({"payload": payload}).payload == payload
