"""PCP, to the byte."""

from edgenode.core.errors import DecodeError
from edgenode.core.pcp import (
    ANNOUNCE,
    MAP,
    TCP,
    UDP,
    UNSUPP_VERSION,
    decode_response,
    encode_announce,
    encode_map,
)
from tests.unit.core.helpers import raises
from tests.unit.core.portmap_corpus import lines

NONCE = bytes(range(1, 13))
IPV4 = bytes((192, 168, 1, 23))
IPV6 = bytes.fromhex("20010db8000000000000000000000023")


def encode(client: bytes = IPV4, **changes: "object") -> bytes:
    fields: dict[str, object] = {
        "nonce": NONCE,
        "protocol": TCP,
        "internal_port": 4242,
        "external_port": 4243,
        "external": None,
        "lifetime_s": 7200,
    }
    fields.update(changes)
    return encode_map(client, **fields)  # type: ignore[arg-type]


def shown(data: bytes) -> str:
    """Give what a datagram decodes to as the corpus writes it."""
    try:
        told = decode_response(data)
    except DecodeError as error:
        return str(error)
    head = f"v{told.version} op {told.opcode} result {told.result}"
    head += f" lifetime {told.lifetime_s} epoch {told.epoch_s}"
    mapping = told.mapping
    if mapping is None:
        return head
    ports = f" protocol {mapping.protocol} {mapping.internal_port} at {mapping.external_port}"
    return head + ports + f" of {mapping.external.hex()} nonce {mapping.nonce.hex()}"


def test_announce_request() -> None:
    assert encode_announce(IPV4).hex() == "0200000000000000" + "00" * 10 + "ffffc0a80117"
    assert encode_announce(IPV6).hex() == "0200000000000000" + IPV6.hex()


def test_map_request() -> None:
    assert (
        encode().hex()
        == (
            "0201000000001c20" + "00" * 10 + "ffffc0a80117"  # version, opcode, lifetime, client
            "0102030405060708090a0b0c" + "06000000" + "10921093" + "00" * 10 + "ffff00000000"
        )
    )
    suggested = encode(external=bytes((198, 51, 100, 7)), protocol=UDP, lifetime_s=2**32 - 1)
    assert suggested[4:8].hex() == "ffffffff"
    assert suggested[36] == 17
    assert suggested[44:].hex() == "00" * 10 + "ffffc6336407"


def test_map_request_for_a_pinhole() -> None:
    request = encode(IPV6)
    assert request[8:24] == IPV6
    assert request[44:] == bytes(16)
    assert encode(IPV6, external=IPV6)[44:] == IPV6


def test_what_fits_no_field() -> None:
    encode(internal_port=1, external_port=0, lifetime_s=0)
    encode(internal_port=65535, external_port=65535)
    for changes in (
        {"nonce": bytes(11)},
        {"nonce": bytes(13)},
        {"internal_port": 0},
        {"internal_port": 65536},
        {"external_port": -1},
        {"external_port": 65536},
        {"lifetime_s": -1},
        {"lifetime_s": 2**32},
        {"client": bytes(5)},
    ):
        raises(ValueError, encode, **changes)


def test_corpus() -> None:
    for data, expected in lines("pcp.txt"):
        assert shown(data) == expected, data.hex()


def test_another_version_says_no_more() -> None:
    told = decode_response(bytes((1, 0x81, 0, UNSUPP_VERSION)) + b"\xff" * 56)
    assert (told.version, told.opcode, told.result) == (1, MAP, UNSUPP_VERSION)
    assert (told.lifetime_s, told.epoch_s, told.mapping) == (0, 0, None)


def test_the_longest() -> None:
    longest = bytes((2, 0x80)) + bytes(1098)
    assert decode_response(longest).opcode == ANNOUNCE
    assert "more than 1100" in str(raises(DecodeError, decode_response, longest + bytes(4)))
