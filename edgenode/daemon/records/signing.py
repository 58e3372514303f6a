"""Signing this node's own batches and heads: the only place that uses its numbers."""

from collections.abc import Callable, Sequence

from edgenode.core.batch import encode_batch
from edgenode.core.fields import Fields
from edgenode.core.head import MAX_HEAD_BYTES, Head, encode_head
from edgenode.core.records import Update
from edgenode.core.signed import Signed, decode_signed, digest, sign
from edgenode.core.strictjson import decode
from edgenode.crypto import SigningKey, digest16
from edgenode.store.rows import BatchRow


class Signer:
    """Signs in the order of (epoch, seq); each start of the node has an epoch of its own."""

    def __init__(
        self, network: str, key: SigningKey, epoch: int, wall_ms: Callable[[], int]
    ) -> None:
        self.node_id = key.public_key.hex()
        self.epoch = epoch
        self._network = network
        self._key = key
        self._wall_ms = wall_ms
        self._batches = 0
        self._heads = 0

    @property
    def signed(self) -> bool:
        """Whether anything was signed in this epoch."""
        return bool(self._batches or self._heads)

    @property
    def next_position(self) -> tuple[int, int]:
        """The (epoch, seq) that the next batch will have."""
        return self.epoch, self._batches + 1

    def begin_epoch(self, epoch: int) -> None:
        """Go on with a higher epoch, already durable."""
        self.epoch = epoch
        self._batches = self._heads = 0

    def batch(self, updates: Sequence[Update]) -> BatchRow:
        """Return the next batch, of `updates` that fit into one (`core.batch.fill`)."""
        self._batches += 1
        now_ms = self._wall_ms()
        batch_id = f"{self.node_id[:16]}-{self.epoch}-{self._batches}"
        signed = self._sign("batch", self._batches, encode_batch(batch_id, now_ms, updates), now_ms)
        return batch_row(signed, digest(signed, "batch", self._network, digest16))

    def head(self, head: Head) -> Signed:
        """Return the next head."""
        self._heads += 1
        return self._sign("head", self._heads, encode_head(head), self._wall_ms())

    def _sign(self, context: str, seq: int, payload: str, now_ms: int) -> Signed:
        return sign(
            context,
            self._network,
            self._key.public_key,
            self.epoch,
            seq,
            now_ms,
            payload,
            self._key.sign,
        )


def batch_row(signed: Signed, batch_digest: bytes) -> BatchRow:
    """Return a checked batch as the store keeps it."""
    return BatchRow(
        signed.node_id,
        signed.epoch,
        signed.seq,
        batch_digest,
        signed.timestamp_ms,
        signed.payload,
        signed.signature,
    )


def signed_of(row: BatchRow) -> Signed:
    """Return a stored batch as it travels."""
    return Signed(row.origin, row.epoch, row.seq, row.timestamp_ms, row.payload, row.signature)


def stored_head(text: bytes) -> Signed:
    """Return a head that the store has kept."""
    return decode_signed(Fields(decode(text, max_bytes=4 * MAX_HEAD_BYTES), "head"))
