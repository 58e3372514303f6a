"""From the plaintext of a sealed frame to a typed record: the one way in."""

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.events import decode_announce, decode_block_sync, decode_leave, decode_nonce
from edgenode.core.frame import CHUNK, END, MESSAGE, decode_chunk
from edgenode.core.hello import MAX_FRAME_BYTES
from edgenode.core.message import ANNOUNCE, BLOCK_SYNC, LEAVE, PING, PONG, decode_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgenode.core.events import Announce, BlockSync


class Ping:
    """`system:ping`: to be answered by a pong with the same nonce."""

    __slots__ = ("nonce",)

    def __init__(self, nonce: int) -> None:
        self.nonce = nonce


class Pong:
    """`system:pong`."""

    __slots__ = ("nonce",)

    def __init__(self, nonce: int) -> None:
        self.nonce = nonce


class Leave:
    """`node:leave`: the peer stops, or ends this link, for good."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Chunk:
    """Bytes of a block, at `offset`, for the fetch `fetch_id`."""

    __slots__ = ("data", "fetch_id", "offset")

    def __init__(self, fetch_id: int, offset: int, data: bytes) -> None:
        self.fetch_id = fetch_id
        self.offset = offset
        self.data = data


def decode_frame(
    plaintext: bytes, peer_id: str
) -> "Announce | BlockSync | Chunk | Leave | Ping | Pong | None":
    """Return the record in a frame from `peer_id`, None for a kind or event of a later version.

    Raises `DecodeError` and `ProtocolError`: either ends the link.
    """
    if not plaintext:
        raise DecodeError("frame: empty")
    kind = plaintext[0]
    if kind == CHUNK:
        return Chunk(*decode_chunk(plaintext[1:]))
    if kind == MESSAGE:
        return _decode_event(plaintext[1:], peer_id)
    if kind == END:
        raise ProtocolError("protocol-violation", "an end without the final tag")
    return None


def _decode_event(text: bytes, peer_id: str) -> "Announce | BlockSync | Leave | Ping | Pong | None":
    message = decode_message(text, max_bytes=MAX_FRAME_BYTES, peer_id=peer_id)
    if message.type == BLOCK_SYNC:
        return decode_block_sync(message.data)
    if message.type == PING:
        return Ping(decode_nonce(message.data))
    if message.type == PONG:
        return Pong(decode_nonce(message.data))
    if message.type == ANNOUNCE:
        return decode_announce(message.data)
    if message.type == LEAVE:
        return Leave(decode_leave(message.data))
    return None
