"""Batches of any updates: within their bounds, and the same when read."""

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edgenode.core.batch import MAX_BATCH_BYTES, MAX_UPDATES, decode_batch, encode_batch, fill
from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.records import TEMPERATURES, Update, decode_update
from edgenode.core.strictjson import decode, encode
from edgenode.core.syncevents import batch_messages
from tests.unit.core.record_makers import received, signed
from tests.unit.core.test_syncevents import text_bytes

numbers = st.integers(0, 2**53 - 1)
characters = st.characters(exclude_categories=["Cs"])
texts = st.text(characters | st.sampled_from('"\\\n\x00\u20ac'), max_size=256)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "size": st.integers(1, 2**53 - 1),
        "createdAt": numbers,
        "expiresAt": numbers,
        "durabilityLevel": st.text(characters, max_size=32),
        "user": st.dictionaries(st.text(characters, max_size=32), texts, min_size=1, max_size=16),
    },
)
block_ids = st.binary(min_size=64, max_size=64).map(bytes.hex)


def fits(update: Update) -> bool:
    return len(encode(update.to_data())) <= 4096


updates = (
    st.builds(
        Update,
        st.just("TEMPERATURE"),
        block_ids,
        st.none() | st.builds(lambda each: {"class": each}, st.sampled_from(TEMPERATURES)),
    )
    | st.builds(
        Update,
        st.just("LOCATION"),
        block_ids,
        st.none() | st.builds(lambda each: {"size": each}, st.integers(1, 2**53 - 1)),
    )
    | st.builds(Update, st.just("METADATA"), block_ids, st.none() | metadata).filter(fits)
)
# Copies of a few, as drawing hundreds of long texts takes long.
queues = st.lists(updates, min_size=1, max_size=8).flatmap(
    lambda some: st.lists(st.sampled_from(some), min_size=1, max_size=250)
)

near_fields = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)

# The first character that is drawn on a machine waits for Hypothesis's table of Unicode.
patient = settings(suppress_health_check=[HealthCheck.too_slow])


@patient
@given(queues, st.text(characters, max_size=64), numbers)
def test_a_queue_goes_into_batches_and_none_is_lost(
    queue: list[Update], batch_id: str, timestamp_ms: int
) -> None:
    sent = [update.to_data() for update in queue]
    came: list[dict[str, object]] = []
    while queue:
        count = fill(queue)
        assert 0 < count <= MAX_UPDATES
        payload = encode_batch(batch_id, timestamp_ms, queue[:count])
        assert len(payload.encode()) <= MAX_BATCH_BYTES
        (message,) = batch_messages("metadata:update", [signed(payload)])
        assert text_bytes(message) <= 67 * 1024
        received("metadata:update", message.to_data())
        batch = decode_batch(payload)
        assert (batch.batch_id, batch.timestamp_ms) == (batch_id, timestamp_ms)
        came.extend(update.to_data() for update in batch.updates)
        queue = queue[count:]
    assert came == sent


@patient
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "type": near_fields | st.sampled_from(["TEMPERATURE", "LOCATION", "METADATA"]),
            "blockId": near_fields | block_ids,
            "data": near_fields | metadata | st.builds(lambda each: {"user": each}, near_fields),
        },
    )
)
@example({"type": "METADATA", "blockId": "00" * 64, "data": {"user": {"a": None}}})
def test_any_object_is_an_update_or_an_error_of_ours(members: dict[str, Any]) -> None:
    try:
        update = decode_update(Fields(members, "u"))
    except DecodeError as error:
        assert str(error).startswith(("u.", "an update of more than"))
        return
    if update is not None:
        # What is taken can be sent on, and is taken as the same again.
        text = encode(update.to_data())
        again = decode_update(Fields(decode(text, max_bytes=4096), "u"))
        assert again is not None
        assert again.to_data() == update.to_data()
