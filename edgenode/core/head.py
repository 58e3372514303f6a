"""The head: what an origin signs of the state of its own batches, so that all can compare."""

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.signed import DIGEST_BYTES, MAX_NUMBER
from edgenode.core.strictjson import decode, encode
from edgenode.core.trie import EMPTY

# A head of this version has less than 200 bytes; the rest is room for fields to come.
MAX_HEAD_BYTES = 1024


class Head:
    """An origin's batches in short, at one moment.

    `batch_epoch` and `batch_seq` are those of its highest batch, 0 and 0 before the first. Batches
    below (`floor_epoch`, `floor_seq`) are dead; the others, `count` of them, are live, and `root`
    is the root of their trie.
    """

    __slots__ = ("batch_epoch", "batch_seq", "count", "floor_epoch", "floor_seq", "root")

    def __init__(
        self,
        *,
        batch_epoch: int,
        batch_seq: int,
        floor_epoch: int,
        floor_seq: int,
        root: bytes,
        count: int,
    ) -> None:
        self.batch_epoch = batch_epoch
        self.batch_seq = batch_seq
        self.floor_epoch = floor_epoch
        self.floor_seq = floor_seq
        self.root = root
        self.count = count


def encode_head(head: Head) -> str:
    """Return the payload to sign."""
    return encode(
        {
            "batchEpoch": head.batch_epoch,
            "batchSeq": head.batch_seq,
            "floorEpoch": head.floor_epoch,
            "floorSeq": head.floor_seq,
            "root": head.root.hex(),
            "count": head.count,
        }
    ).decode()


def decode_head(payload: str) -> Head:
    """Return the head in a payload whose signature has been checked.

    Raises `DecodeError`, which is the fault of the origin.
    """
    fields = Fields(decode(payload.encode(), max_bytes=MAX_HEAD_BYTES), "head")
    head = Head(
        batch_epoch=fields.integer("batchEpoch", 0, MAX_NUMBER),
        batch_seq=fields.integer("batchSeq", 0, MAX_NUMBER),
        floor_epoch=fields.integer("floorEpoch", 0, MAX_NUMBER),
        floor_seq=fields.integer("floorSeq", 0, MAX_NUMBER),
        root=fields.hex_bytes("root", DIGEST_BYTES),
        count=fields.integer("count", 0, MAX_NUMBER),
    )
    if (head.root == EMPTY) != (head.count == 0):
        raise DecodeError("head.root: only that of no batches is zero")
    return head
