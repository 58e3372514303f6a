"""The data of `metadata:sync`: how two nodes find, and ask for, what one of them lacks.

A walk over an origin's trie (`node`, answered by `children` or `list`), asking for batches that
are missing (`want`), naming batches without sending them (`have`), and saying which have come and
need not come again (`ack`: taken, not yet durable). Each has a class; `decode_metadata_sync`
raises `DecodeError`.
"""

from edgenode.core.errors import DecodeError
from edgenode.core.events import MAX_REASON_CHARS
from edgenode.core.fields import Fields
from edgenode.core.pae import PUBLIC_KEY_BYTES
from edgenode.core.signed import DIGEST_BYTES, MAX_NUMBER
from edgenode.core.trie import CHILDREN, LEAF_DIGESTS, MAX_PREFIX_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# One leaf of a trie; 64 batches of 32 KiB come in 2 MiB of messages, which a queue has to take.
MAX_WANTED = 64

# 120 bytes each in a `have`, which is so 30 KiB at most.
MAX_NAMED = 256


class AskNode:
    """`node`: the question what is under a prefix of the origin's trie."""

    __slots__ = ("origin", "prefix")

    def __init__(self, origin: str, prefix: str) -> None:
        self.origin = origin
        self.prefix = prefix

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        return {"op": "node", "origin": self.origin, "prefix": self.prefix}


class NodeChildren:
    """`children`: the digests of the 16 subtrees under a prefix."""

    __slots__ = ("digests", "origin", "prefix")

    def __init__(self, origin: str, prefix: str, digests: "list[bytes]") -> None:
        self.origin = origin
        self.prefix = prefix
        self.digests = digests

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        return {
            "op": "children",
            "origin": self.origin,
            "prefix": self.prefix,
            "digests": [digest.hex() for digest in self.digests],
        }


class NodeList:
    """`list`: the batches under a prefix, (epoch, seq, digest) each."""

    __slots__ = ("items", "origin", "prefix")

    def __init__(self, origin: str, prefix: str, items: "list[tuple[int, int, bytes]]") -> None:
        self.origin = origin
        self.prefix = prefix
        self.items = items

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        return {
            "op": "list",
            "origin": self.origin,
            "prefix": self.prefix,
            "items": [[epoch, seq, digest.hex()] for epoch, seq, digest in self.items],
        }


class WantBatches:
    """`want`: send these batches of an origin, (epoch, seq) each."""

    __slots__ = ("items", "origin")

    def __init__(self, origin: str, items: "list[tuple[int, int]]") -> None:
        self.origin = origin
        self.items = items

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        return {
            "op": "want",
            "origin": self.origin,
            "items": [[epoch, seq] for epoch, seq in self.items],
        }


class HaveBatches:
    """`have`: batches that the sender holds, (origin, epoch, seq, digest) each."""

    __slots__ = ("items",)

    def __init__(self, items: "list[tuple[str, int, int, bytes]]") -> None:
        self.items = items

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        return {
            "op": "have",
            "items": [
                [origin, epoch, seq, digest.hex()] for origin, epoch, seq, digest in self.items
            ],
        }


class AckBatches:
    """`ack`: the digests of batches that the sender has taken over."""

    __slots__ = ("digests",)

    def __init__(self, digests: "list[bytes]") -> None:
        self.digests = digests

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        return {"op": "ack", "digests": [digest.hex() for digest in self.digests]}


if TYPE_CHECKING:
    MetadataSync = AskNode | NodeChildren | NodeList | WantBatches | HaveBatches | AckBatches


def decode_metadata_sync(data: Fields) -> "MetadataSync | None":
    """Return the step in `data`, None where its `op` is one of a later version."""
    decoder = _DECODERS.get(data.text("op", MAX_REASON_CHARS))
    return None if decoder is None else decoder(data)


def _origin(data: Fields) -> str:
    return data.hex_bytes("origin", PUBLIC_KEY_BYTES).hex()


def _prefix(data: Fields) -> str:
    prefix = data.text("prefix", MAX_PREFIX_CHARS)
    if prefix.strip("0123456789abcdef"):
        raise DecodeError("message.data.prefix: expected lowercase hex digits")
    return prefix


def _numbers(row: Fields) -> "tuple[int, int]":
    return row.integer("epoch", 1, MAX_NUMBER), row.integer("seq", 0, MAX_NUMBER)


def _digest(row: Fields) -> bytes:
    return row.hex_bytes("digest", DIGEST_BYTES)


def _ask_node(data: Fields) -> AskNode:
    return AskNode(_origin(data), _prefix(data))


def _node_children(data: Fields) -> NodeChildren:
    digests = data.hexes("digests", CHILDREN, DIGEST_BYTES)
    if len(digests) != CHILDREN:
        raise DecodeError(f"message.data.digests: expected {CHILDREN} of them")
    prefix = _prefix(data)
    if len(prefix) == MAX_PREFIX_CHARS:
        raise DecodeError("message.data.prefix: nothing is below a whole digest")
    return NodeChildren(_origin(data), prefix, digests)


def _node_list(data: Fields) -> NodeList:
    rows = data.rows("items", LEAF_DIGESTS, ("epoch", "seq", "digest"))
    return NodeList(_origin(data), _prefix(data), [_numbers(row) + (_digest(row),) for row in rows])


def _want_batches(data: Fields) -> WantBatches:
    rows = data.rows("items", MAX_WANTED, ("epoch", "seq"))
    return WantBatches(_origin(data), [_numbers(row) for row in rows])


def _have_batches(data: Fields) -> HaveBatches:
    rows = data.rows("items", MAX_NAMED, ("origin", "epoch", "seq", "digest"))
    return HaveBatches([(_origin(row),) + _numbers(row) + (_digest(row),) for row in rows])


def _ack_batches(data: Fields) -> AckBatches:
    return AckBatches(data.hexes("digests", MAX_NAMED, DIGEST_BYTES))


_DECODERS: "dict[str, Callable[[Fields], MetadataSync]]" = {
    "node": _ask_node,
    "children": _node_children,
    "list": _node_list,
    "want": _want_batches,
    "have": _have_batches,
    "ack": _ack_batches,
}
