"""Plaintexts of frames, to the byte."""

from edgenode.core.errors import DecodeError
from edgenode.core.frame import (
    CHUNK_BYTES,
    decode_chunk,
    decode_end,
    encode_chunk,
    encode_end,
    encode_message,
)
from edgenode.core.reasons import CLOSE_CODES
from tests.unit.core.helpers import raises


def test_message() -> None:
    assert encode_message(b"{}") == b"\x01{}"


def test_end() -> None:
    assert encode_end("bye") == b"\x00bye"
    for reason in CLOSE_CODES:
        assert decode_end(encode_end(reason)[1:]) == reason


def test_an_unknown_reason() -> None:
    for content in (b"", b"later", b"Bye", b"bye ", b"\xff\xfe"):
        assert decode_end(content) == "protocol-violation"


def test_chunk_to_the_byte() -> None:
    plaintext = encode_chunk(0x01020304, 0x05060708090A0B0C, b"data")
    assert plaintext == b"\x02\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0cdata"
    assert decode_chunk(plaintext[1:]) == (0x01020304, 0x05060708090A0B0C, b"data")


def test_chunk_at_its_bounds() -> None:
    for fetch_id, offset, size in ((0, 0, 1), (2**32 - 1, 2**53 - 1, CHUNK_BYTES)):
        data = b"\xaa" * size
        assert decode_chunk(encode_chunk(fetch_id, offset, data)[1:]) == (fetch_id, offset, data)


def test_chunks_of_a_wrong_size() -> None:
    for content in (b"", bytes(11), bytes(12), bytes(12 + CHUNK_BYTES + 1)):
        raises(DecodeError, decode_chunk, content)
