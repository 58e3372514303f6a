"""NAT-PMP, to the byte."""

from edgenode.core.errors import DecodeError
from edgenode.core.natpmp import (
    MAP_TCP,
    MAP_UDP,
    decode_response,
    encode_address,
    encode_map,
)
from tests.unit.core.helpers import raises
from tests.unit.core.portmap_corpus import lines


def shown(data: bytes) -> str:
    """Give what a datagram decodes to as the corpus writes it."""
    try:
        told = decode_response(data)
    except DecodeError as error:
        return str(error)
    text = f"v{told.version} op {told.opcode} result {told.result} epoch {told.epoch_s}"
    if told.address is not None:
        text += f" address {told.address.hex()}"
    if told.mapping is not None:
        mapping = told.mapping
        text += f" {mapping.internal_port} at {mapping.external_port} for {mapping.lifetime_s}"
    return text


def test_requests() -> None:
    assert encode_address() == b"\x00\x00"
    assert encode_map(MAP_TCP, 4242, 4243, 7200).hex() == "0002" + "0000" + "10921093" + "00001c20"
    assert encode_map(MAP_UDP, 1, 0, 0).hex() == "0001" + "0000" + "00010000" + "00000000"
    assert encode_map(MAP_TCP, 65535, 65535, 2**32 - 1).hex() == "00020000" + "ff" * 8


def test_what_fits_no_field() -> None:
    for internal_port, external_port, lifetime_s in (
        (0, 1, 1),
        (65536, 1, 1),
        (1, -1, 1),
        (1, 65536, 1),
        (1, 1, -1),
        (1, 1, 2**32),
    ):
        raises(ValueError, encode_map, MAP_TCP, internal_port, external_port, lifetime_s)


def test_corpus() -> None:
    for data, expected in lines("natpmp.txt"):
        assert shown(data) == expected, data.hex()


def test_too_long() -> None:
    answer = bytes((0, 128)) + bytes(1098)
    assert decode_response(answer).address == bytes(4)
    raises(DecodeError, decode_response, answer + b"\x00")
