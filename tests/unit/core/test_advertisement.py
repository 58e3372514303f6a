"""NodeAdvertisement: signed, small enough for a datagram, read strictly."""

from edgenode.core.advertisement import (
    MAX_ADVERTISEMENT_BYTES,
    MAX_DATAGRAM_BYTES,
    Advertisement,
    advertise,
    decode_advertisement,
    decode_datagram,
    encode_datagram,
)
from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.signed import MAX_NUMBER, Signed, check
from edgenode.core.strictjson import decode, encode
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import NETWORK, ORIGIN, signer, verify

NAMES = ("nodeId", "address", "port", "capabilities", "version")


def advertisement(capabilities: "list[str] | None" = None, version: str = "0.1.0") -> Advertisement:
    words = ["blocks"] if capabilities is None else capabilities
    return Advertisement(ORIGIN, "192.0.2.7", 4242, words, version)


def signed(said: "Advertisement | None" = None) -> Signed:
    return advertise(said or advertisement(), NETWORK, 3, 7, 1700000000123, signer())


def read(changes: "dict[str, object]") -> Advertisement:
    message = signed()
    members = decode(message.payload.encode(), max_bytes=MAX_ADVERTISEMENT_BYTES)
    assert isinstance(members, dict)
    members.update(changes)
    message.payload = encode(members).decode()
    return decode_advertisement(message)


def test_text_to_the_byte() -> None:
    expected = (
        '{"address":"192.0.2.7","capabilities":["blocks"],"nodeId":"'
        + ORIGIN
        + '","port":4242,"version":"0.1.0"}'
    )
    assert signed().payload == expected


def test_what_was_signed_is_read() -> None:
    message = decode_datagram(encode_datagram(signed()))
    assert (message.node_id, message.epoch, message.seq) == (ORIGIN, 3, 7)
    check(message, "advertisement", NETWORK, verify)
    again = decode_advertisement(message)
    assert (again.node_id, again.address, again.port) == (ORIGIN, "192.0.2.7", 4242)
    assert (again.capabilities, again.version) == (["blocks"], "0.1.0")


def test_a_signature_for_another_use_is_none() -> None:
    for context, network in (("head", NETWORK), ("advertisement", "test")):
        error = raises(ProtocolError, check, signed(), context, network, verify)
        assert error.code == "bad-signature"


def test_nobody_speaks_for_another() -> None:
    error = raises(DecodeError, read, {"nodeId": "0b" * 32})
    assert str(error) == "advertisement.nodeId: not the node that signed"


def test_addresses() -> None:
    for text, canonical in (
        ("", ""),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("127.0.0.1", "127.0.0.1"),
    ):
        assert read({"address": text}).address == canonical
    several: tuple[object, ...] = (
        "host.example",
        "fe80::1%eth0",
        "192.0.2.07",
        "192.0.2.7:1",
        " ",
        7,
        True,
        [],
    )
    for wrong in several:
        error = raises(DecodeError, read, {"address": wrong})
        assert str(error).startswith("advertisement.address: "), wrong


def test_bounds() -> None:
    for name in NAMES:
        error = raises(DecodeError, read, {name: None})
        assert str(error).startswith("advertisement." + name + ": ")
    for port in (0, 65536, 1.0, "1", True):
        raises(DecodeError, read, {"port": port})
    for words in (["w"] * 17, ["w" * 65], [1], "blocks"):
        raises(DecodeError, read, {"capabilities": words})
    raises(DecodeError, read, {"version": "v" * 33})
    assert read({"capabilities": ["w"] * 16, "port": 65535, "version": ""}).port == 65535
    assert read({"later": {"any": [1]}}).port == 4242


def test_a_payload_of_too_many_bytes() -> None:
    message = signed()
    message.payload += " " * (MAX_ADVERTISEMENT_BYTES - len(message.payload))
    assert decode_advertisement(message).port == 4242
    message.payload += " "
    raises(DecodeError, decode_advertisement, message)


def test_capabilities_for_which_there_is_no_room_are_left_out() -> None:
    for words in (
        [f"{number:02d}" + "w" * 62 for number in range(16)],
        [f"{number:02d}" + "\n" * 62 for number in range(16)],
        [f"{number:02d}" + "\u20ac" * 62 for number in range(16)],
    ):
        said = advertisement(words, "v" * 32)
        said.address = "2001:db8:1111:2222:3333:4444:5555:6666"
        message = advertise(said, NETWORK, MAX_NUMBER, MAX_NUMBER, MAX_NUMBER, signer())
        kept = decode_advertisement(message).capabilities
        assert 0 < len(kept) < 16
        assert kept == words[: len(kept)]
        # One more would not have fitted.
        said.capabilities = words[: len(kept) + 1]
        again = advertise(said, NETWORK, MAX_NUMBER, MAX_NUMBER, MAX_NUMBER, signer())
        assert again.payload == message.payload
        assert decode_advertisement(decode_datagram(encode_datagram(message))).port == 4242


def test_what_does_not_fit_at_all() -> None:
    said = Advertisement(ORIGIN, "192.0.2.7", 4242, [], "v" * 1000)
    raises(ValueError, advertise, said, NETWORK, 1, 1, 0, signer())


def test_datagrams_that_are_none() -> None:
    text = encode_datagram(signed())
    assert decode_datagram(text + b" " * (MAX_DATAGRAM_BYTES - len(text))).seq == 7
    for wrong in (
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        text[:-1],
        text.replace(b'"epoch":3', b'"epoch":0'),
        text + b" " * (MAX_DATAGRAM_BYTES - len(text) + 1),
    ):
        raises(DecodeError, decode_datagram, wrong)
