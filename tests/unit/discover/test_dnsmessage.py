"""Messages of mDNS: what zeroconf writes is read, and nothing else raises than is said."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf._dns import (
    DNSAddress,
    DNSHinfo,
    DNSPointer,
    DNSQuestion,
    DNSService,
    DNSText,
)
from zeroconf._protocol.outgoing import DNSOutgoing

from edgenode.core.errors import DecodeError
from edgenode.discover.dnsmessage import AAAA, PTR, SRV, TXT, A, Record, read_message

SERVICE = "_edgenode._tcp.local."
NAME = "Raspberry-0123." + SERVICE
HOST = "edgenode-0123.local."
HEADER = struct.Struct("!HHHHHH")


def response() -> bytes:
    out = DNSOutgoing(0x8400)
    for record in (
        DNSPointer(SERVICE, PTR, 1, 4500, NAME),
        DNSService(NAME, SRV, 1, 120, 0, 0, 4242, HOST),
        DNSText(NAME, TXT, 1, 4500, b"\x03a=b"),
        DNSAddress(HOST, A, 1, 120, bytes((10, 0, 0, 1))),
        DNSAddress(HOST, AAAA, 1, 120, b"\xfe\x80" + bytes(13) + b"\x01"),
        DNSHinfo(HOST, 13, 1, 120, "cpu", "os"),
    ):
        out.add_answer_at_time(record, 0)
    return out.packets()[0]


def test_a_response_is_read() -> None:
    message = read_message(response())
    assert message.is_response
    assert message.records == (
        Record(SERVICE, PTR, 4500, b"", NAME, 0),
        Record(NAME.lower(), SRV, 120, b"", HOST, 4242),
        Record(NAME.lower(), TXT, 4500, b"\x03a=b", "", 0),
        Record(HOST, A, 120, bytes((10, 0, 0, 1)), "", 0),
        Record(HOST, AAAA, 120, b"\xfe\x80" + bytes(13) + b"\x01", "", 0),
    )


def test_a_query_is_read() -> None:
    out = DNSOutgoing(0)
    out.add_question(DNSQuestion(SERVICE, PTR, 1))
    out.add_answer_at_time(DNSPointer(SERVICE, PTR, 1, 4000, NAME), 0)
    message = read_message(out.packets()[0])
    assert not message.is_response
    assert [record.target for record in message.records] == [NAME]


def question(name: bytes) -> bytes:
    return HEADER.pack(0, 0, 1, 0, 0, 0) + name + b"\x00\x0c\x00\x01"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEADER.pack(0, 0, 1, 0, 0, 0),
        HEADER.pack(0, 0, 65535, 65535, 65535, 65535),
        question(b"\xc0\x0c"),  # points to itself
        question(b"\xc0\x20"),  # points ahead
        question(b"\x01a\xc0\x0c"),  # points to the name that it is in
        question(b"\x41" + 65 * b"a" + b"\x00"),
        question(4 * (b"\x3f" + 63 * b"a") + b"\x00"),
        question(b"\x02\xff\xfe\x00"),
        question(b"\x05local\x00")[:-3],
        HEADER.pack(0, 0x8400, 0, 1, 0, 0) + b"\x00" + struct.pack("!HHLH", A, 1, 9, 3) + b"abc",
        HEADER.pack(0, 0x8400, 0, 1, 0, 0) + b"\x00" + struct.pack("!HHLH", TXT, 1, 9, 9) + b"abc",
        HEADER.pack(0, 0x8400, 0, 1, 0, 0)
        + b"\x00"
        + struct.pack("!HHLH", PTR, 1, 9, 4)
        + b"\x00ab",
        bytes(9001),
    ],
)
def test_what_is_malformed_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        read_message(data)


@given(st.binary(max_size=300), st.integers(0, 4), st.integers(0, 4))
def test_no_bytes_do_harm(data: bytes, questions: int, answers: int) -> None:
    with suppress(DecodeError):
        read_message(HEADER.pack(0, 0x8400, questions, answers, 0, 0) + data)


@given(st.integers(0, len(response()) - 1), st.integers(0, 255))
def test_no_changed_byte_does_harm(at: int, value: int) -> None:
    data = bytearray(response())
    data[at] = value
    with suppress(DecodeError):
        read_message(bytes(data))
