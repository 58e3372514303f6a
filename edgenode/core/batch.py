"""BatchUpdate: the updates that an origin signs, sends, stores and syncs as one."""

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.message import MAX_TIMESTAMP_MS
from edgenode.core.records import MAX_UPDATE_BYTES, decode_update
from edgenode.core.signed import MAX_PAYLOAD_BYTES
from edgenode.core.strictjson import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgenode.core.records import Update

# One signature, which costs 100 us to verify, for up to this many updates: more would gain little
# and be lost together. 100 of a temperature have 20 KiB.
MAX_UPDATES = 100
MAX_BATCH_BYTES = MAX_PAYLOAD_BYTES
MAX_BATCH_ID_CHARS = 64

# What a batch has around its updates at most, an id of 64 characters of 6 bytes each included.
_FRAME_BYTES = 512


class Batch:
    """One batch: a name its origin gave it, its origin's clock (ms since 1970), its updates.

    The place of an update in `updates` orders those of one record.
    """

    __slots__ = ("batch_id", "timestamp_ms", "updates")

    def __init__(self, batch_id: str, timestamp_ms: int, updates: "list[Update]") -> None:
        self.batch_id = batch_id
        self.timestamp_ms = timestamp_ms
        self.updates = updates


def fill(updates: "Sequence[Update]") -> int:
    """Return how many of `updates`, from the first, one batch takes.

    At least one of them, unless there is none. Raises ValueError for one of more than
    MAX_UPDATE_BYTES.
    """
    count = 0
    left = MAX_BATCH_BYTES - _FRAME_BYTES
    for update in updates:
        left -= len(_encoded(update)) + 1
        if left < 0 or count == MAX_UPDATES:
            break
        count += 1
    return count


def encode_batch(batch_id: str, timestamp_ms: int, updates: "Sequence[Update]") -> str:
    """Return the payload to sign.

    Raises ValueError for no update, more than MAX_UPDATES, one of more than MAX_UPDATE_BYTES, a
    payload of more than MAX_BATCH_BYTES (`fill` updates never are), an id of more than
    MAX_BATCH_ID_CHARS, or a time before 1970.
    """
    if not 0 < len(updates) <= MAX_UPDATES:
        raise ValueError(f"a batch has 1 to {MAX_UPDATES} updates, not {len(updates)}")
    if len(batch_id) > MAX_BATCH_ID_CHARS:
        raise ValueError(f"a batch id has at most {MAX_BATCH_ID_CHARS} characters")
    if timestamp_ms < 0:
        raise ValueError("a batch of before 1970")
    head = encode({"batchId": batch_id, "timestamp": timestamp_ms})
    # "updates" comes after the others in the order of keys.
    payload = head[:-1] + b',"updates":[' + b",".join(map(_encoded, updates)) + b"]}"
    if len(payload) > MAX_BATCH_BYTES:
        raise ValueError(f"a batch of {len(payload)} bytes")
    return payload.decode()


def decode_batch(payload: str) -> Batch:
    """Return the batch in a payload whose signature has been checked.

    Updates of types of a later version are left out; the others keep their order. Raises
    `DecodeError`, which is the fault of the origin, not of whoever passed it on.
    """
    fields = Fields(decode(payload.encode(), max_bytes=MAX_BATCH_BYTES), "batch")
    batch_id = fields.text("batchId", MAX_BATCH_ID_CHARS)
    timestamp_ms = fields.integer("timestamp", 0, MAX_TIMESTAMP_MS)
    items = fields.items("updates", MAX_UPDATES)
    if not items:
        raise DecodeError("batch.updates: expected at least one")
    decoded = [decode_update(item) for item in items]
    return Batch(batch_id, timestamp_ms, [update for update in decoded if update is not None])


def _encoded(update: "Update") -> bytes:
    text = encode(update.to_data())
    if len(text) > MAX_UPDATE_BYTES:
        raise ValueError(f"an update of {len(text)} bytes")
    return text
