"""WSMessage: the envelope of every event, on links and for local viewers."""

from edgenode.core.errors import ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.strictjson import decode, encode

PING = "system:ping"
PONG = "system:pong"
ANNOUNCE = "node:announce"
ROTATION = "node:rotation"
LEAVE = "node:leave"
BLOCK_SYNC = "block:sync"
NODE_STATUS = "node:status"
BLOCK_TEMPERATURE = "block:temperature"
BLOCK_LOCATION = "block:location"
METADATA_UPDATE = "metadata:update"
METADATA_SYNC = "metadata:sync"

# 2^53 - 1: what every JSON reader holds exactly; in ms it lasts for 285,000 years.
MAX_TIMESTAMP_MS = 2**53 - 1
MAX_TYPE_CHARS = 64


class Message:
    """One received event: its `type`, its `data` still to be decoded, ms since 1970, nodeId."""

    __slots__ = ("data", "sender", "timestamp_ms", "type")

    def __init__(self, type_: str, data: Fields, timestamp_ms: int, sender: str) -> None:
        self.type = type_
        self.data = data
        self.timestamp_ms = timestamp_ms
        self.sender = sender


def encode_message(type_: str, data: "dict[str, object]", timestamp_ms: int, sender: str) -> bytes:
    """Return the JSON text of a WSMessage."""
    return encode({"type": type_, "data": data, "timestamp": timestamp_ms, "sender": sender})


def decode_message(text: bytes, *, max_bytes: int, peer_id: str) -> Message:
    """Return the WSMessage in `text` that came over the link of `peer_id`.

    Raises `DecodeError` for what is malformed and `ProtocolError` for a sender who is not the peer.
    """
    fields = Fields(decode(text, max_bytes=max_bytes), "message")
    message = Message(
        fields.text("type", MAX_TYPE_CHARS),
        fields.section("data"),
        fields.integer("timestamp", 0, MAX_TIMESTAMP_MS),
        fields.text("sender", 64),
    )
    if message.sender != peer_id:
        raise ProtocolError("protocol-violation", "the sender is not the peer of this link")
    return message
