"""The events that carry records: `node:status`, and the three with batches.

Each has a class, `to_data` for what is sent, and a `decode` that raises `DecodeError`; the
signatures inside are not checked here. No message of these, nor of `metadata:sync` (see
`triesync`), is longer than MAX_EVENT_BYTES.
"""

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.hello import MIN_FRAME_BYTES
from edgenode.core.message import BLOCK_LOCATION, BLOCK_TEMPERATURE, METADATA_UPDATE
from edgenode.core.pae import PUBLIC_KEY_BYTES
from edgenode.core.records import LOCATION, TEMPERATURE
from edgenode.core.signed import DIGEST_BYTES, MAX_NUMBER, decode_signed
from edgenode.core.strictjson import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeVar

    from edgenode.core.records import Update
    from edgenode.core.signed import Signed

    T = TypeVar("T", "OriginStatus", Signed)

# The JSON of one message, 67 KiB: every peer takes it, and 1 KiB more for seal and kind. A batch
# of 32 KiB, each of its characters escaped, fits in with its envelopes.
MAX_EVENT_BYTES = MIN_FRAME_BYTES - 1024

# What a sender fills a message to. A batch that is larger by itself goes alone.
FILL_BYTES = 64 * 1024

# What is said around the batches or origins of a message, its own envelope included.
_ENVELOPE_BYTES = 256

# The smallest batch takes 500 bytes in a message.
MAX_BATCHES = 128
MAX_ORIGINS = 256


class Batches:
    """Signed batches, at least one, in a message of `event`: one of those that `event_of` gives."""

    __slots__ = ("batches", "event")

    def __init__(self, event: str, batches: "list[Signed]") -> None:
        self.event = event
        self.batches = batches

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        return {"batches": [batch.to_data() for batch in self.batches]}


class OriginStatus:
    """What the sender of a `node:status` carries of one origin.

    The origin's own signed head, None where the sender has none, and the root and number of what
    the sender holds of its live batches.
    """

    __slots__ = ("count", "head", "node_id", "root")

    def __init__(self, node_id: str, head: "Signed | None", root: bytes, count: int) -> None:
        self.node_id = node_id
        self.head = head
        self.root = root
        self.count = count

    def to_data(self) -> "dict[str, object]":
        """Return the origin as it stands in the event."""
        return {
            "nodeId": self.node_id,
            "head": None if self.head is None else self.head.to_data(),
            "root": self.root.hex(),
            "count": self.count,
        }


class NodeStatus:
    """`node:status`: a part of the origins that the sender carries; `last` ends the round."""

    __slots__ = ("last", "origins")

    def __init__(self, origins: "list[OriginStatus]", last: bool) -> None:
        self.origins = origins
        self.last = last

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        return {"origins": [origin.to_data() for origin in self.origins], "last": self.last}


def event_of(updates: "Sequence[Update]") -> str:
    """Return the event in which a batch of these updates travels."""
    types = {update.type for update in updates}
    if types == {TEMPERATURE}:
        return BLOCK_TEMPERATURE
    if types == {LOCATION}:
        return BLOCK_LOCATION
    return METADATA_UPDATE


def batch_messages(event: str, batches: "Iterable[Signed]") -> "list[Batches]":
    """Return the batches in as few messages as they need, in their order."""
    return [Batches(event, part) for part in _parts(batches, MAX_BATCHES)]


def status_messages(origins: "Iterable[OriginStatus]") -> "list[NodeStatus]":
    """Return a whole round of `node:status`, at least one message."""
    parts = list(_parts(origins, MAX_ORIGINS)) or [[]]
    return [NodeStatus(part, number == len(parts)) for number, part in enumerate(parts, 1)]


def _parts(items: "Iterable[T]", max_items: int) -> "Iterator[list[T]]":
    """Divide what goes into messages, so that none is filled over FILL_BYTES and `max_items`."""
    part: list[T] = []
    left = 0
    for item in items:
        size = len(encode(item.to_data())) + 1
        if part and (size > left or len(part) == max_items):
            yield part
            part = []
        if not part:
            left = FILL_BYTES - _ENVELOPE_BYTES
        part.append(item)
        left -= size
    if part:
        yield part


def decode_batches(event: str, data: Fields) -> Batches:
    """Return the batches in the data of one of the three events."""
    batches = [decode_signed(item) for item in data.items("batches", MAX_BATCHES)]
    if not batches:
        raise DecodeError("message.data.batches: expected at least one")
    return Batches(event, batches)


def decode_status(data: Fields) -> NodeStatus:
    """Return the origins in the data of a `node:status`."""
    origins = [_decode_origin(item) for item in data.items("origins", MAX_ORIGINS)]
    return NodeStatus(origins, data.boolean("last"))


def _decode_origin(fields: Fields) -> OriginStatus:
    signed = fields.optional_section("head")
    origin = OriginStatus(
        fields.hex_bytes("nodeId", PUBLIC_KEY_BYTES).hex(),
        None if signed is None else decode_signed(signed),
        fields.hex_bytes("root", DIGEST_BYTES),
        fields.integer("count", 0, MAX_NUMBER),
    )
    if origin.head is not None and origin.head.node_id != origin.node_id:
        raise DecodeError("message.data.origins: the head of another origin")
    return origin
