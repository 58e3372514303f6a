"""From the plaintext of a sealed frame to a typed record: the one way in."""

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.events import decode_announce, decode_block_sync, decode_leave, decode_nonce
from edgenode.core.frame import CHUNK, END, MESSAGE, decode_chunk
from edgenode.core.hello import MAX_FRAME_BYTES
from edgenode.core.meetevents import MEET, decode_meet
from edgenode.core.message import (
    ANNOUNCE,
    BLOCK_LOCATION,
    BLOCK_SYNC,
    BLOCK_TEMPERATURE,
    LEAVE,
    METADATA_SYNC,
    METADATA_UPDATE,
    NODE_STATUS,
    PING,
    PONG,
    ROTATION,
    decode_message,
)
from edgenode.core.reachevents import DIAL_BACK, decode_dial_back
from edgenode.core.rotation import decode_rotations
from edgenode.core.syncevents import MAX_EVENT_BYTES, decode_batches, decode_status
from edgenode.core.triesync import decode_metadata_sync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from edgenode.core.events import Announce, BlockSync
    from edgenode.core.fields import Fields
    from edgenode.core.meetevents import Meet
    from edgenode.core.reachevents import DialBack
    from edgenode.core.rotation import Rotations
    from edgenode.core.syncevents import Batches, NodeStatus
    from edgenode.core.triesync import MetadataSync

_BATCH_EVENTS = (BLOCK_TEMPERATURE, BLOCK_LOCATION, METADATA_UPDATE)
_RECORD_EVENTS = _BATCH_EVENTS + (NODE_STATUS, METADATA_SYNC)


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


if TYPE_CHECKING:
    Event = (
        Announce
        | Batches
        | BlockSync
        | DialBack
        | Leave
        | Meet
        | MetadataSync
        | NodeStatus
        | Ping
        | Pong
        | Rotations
    )


def decode_frame(
    plaintext: bytes, peer_id: str, on_time: "Callable[[int], None] | None" = None
) -> "Chunk | Event | None":
    """Return the record in a frame from `peer_id`, None for a kind or event of a later version.

    `on_time` is told when a message was sent, by the peer's clock: ms since 1970. Raises
    `DecodeError` and `ProtocolError`: either ends the link.
    """
    if not plaintext:
        raise DecodeError("frame: empty")
    kind = plaintext[0]
    if kind == CHUNK:
        return Chunk(*decode_chunk(plaintext[1:]))
    if kind == MESSAGE:
        return _decode_event(plaintext[1:], peer_id, on_time)
    if kind == END:
        raise ProtocolError("protocol-violation", "an end without the final tag")
    return None


def _decode_event(
    text: bytes, peer_id: str, on_time: "Callable[[int], None] | None"
) -> "Event | None":
    message = decode_message(text, max_bytes=MAX_FRAME_BYTES, peer_id=peer_id)
    if on_time is not None:
        on_time(message.timestamp_ms)
    if message.type in _RECORD_EVENTS and len(text) > MAX_EVENT_BYTES:
        raise DecodeError(f"message: {len(text)} bytes of {message.type}")
    if message.type in _BATCH_EVENTS:
        return decode_batches(message.type, message.data)
    decoder = _DECODERS.get(message.type)
    return None if decoder is None else decoder(message.data)


_DECODERS: "dict[str, Callable[[Fields], Event | None]]" = {
    ROTATION: decode_rotations,
    PING: lambda data: Ping(decode_nonce(data)),
    PONG: lambda data: Pong(decode_nonce(data)),
    ANNOUNCE: decode_announce,
    LEAVE: lambda data: Leave(decode_leave(data)),
    BLOCK_SYNC: decode_block_sync,
    NODE_STATUS: decode_status,
    METADATA_SYNC: decode_metadata_sync,
    DIAL_BACK: decode_dial_back,
    MEET: decode_meet,
}
