"""What stands inside the seal: one byte for the kind of frame, then its content.

    0  end      the reason's name, ASCII; only in the frame with TAG_FINAL
    1  message  a WSMessage, JSON text
    2  chunk    fetch id (4 bytes), offset (8 bytes), both big-endian, then bytes of the block

A kind that is not known is ignored, so that old and new nodes live together.
"""

import struct

from edgenode.core.errors import DecodeError
from edgenode.core.reasons import CLOSE_CODES

END = 0
MESSAGE = 1
CHUNK = 2

_CHUNK_HEAD = "!IQ"
CHUNK_HEAD_BYTES = 12

# 64 KiB of a block a frame: large enough that the cost of a frame does not count, small enough
# that a ping behind it waits half a second on an uplink of 1 Mbit/s.
CHUNK_BYTES = 64 * 1024


def encode_end(reason: str) -> bytes:
    """Return the plaintext of the final frame."""
    return bytes((END,)) + reason.encode()


def decode_end(content: bytes) -> str:
    """Return the reason's name; one that is not known reads as a protocol violation."""
    for name in CLOSE_CODES:
        if name.encode() == content:
            return name
    return "protocol-violation"


def encode_message(text: bytes) -> bytes:
    """Return the plaintext of a frame that carries one WSMessage."""
    return bytes((MESSAGE,)) + text


def encode_chunk(fetch_id: int, offset: int, data: bytes) -> bytes:
    """Return the plaintext of a chunk: `data` are the block's bytes at `offset`."""
    return bytes((CHUNK,)) + struct.pack(_CHUNK_HEAD, fetch_id, offset) + data


def decode_chunk(content: bytes) -> "tuple[int, int, bytes]":
    """Return (fetch id, offset, data) of a chunk's content, without its kind."""
    if not CHUNK_HEAD_BYTES < len(content) <= CHUNK_HEAD_BYTES + CHUNK_BYTES:
        raise DecodeError(f"chunk: {len(content)} bytes")
    fetch_id, offset = struct.unpack(_CHUNK_HEAD, content[:CHUNK_HEAD_BYTES])
    return fetch_id, offset, content[CHUNK_HEAD_BYTES:]
