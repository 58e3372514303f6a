"""Batches: within their bounds, nothing lost, nothing read that is not as it should be."""

from edgenode.core.batch import (
    MAX_BATCH_BYTES,
    MAX_UPDATES,
    Batch,
    decode_batch,
    encode_batch,
    fill,
)
from edgenode.core.errors import DecodeError
from edgenode.core.records import MAX_UPDATE_BYTES, METADATA, TEMPERATURE, Update
from edgenode.core.strictjson import decode, encode
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import BLOCK_ID, temperature

# An id that takes as many bytes as an id of 64 characters can.
LONGEST_ID = "\x01" * 64
LAST_MS = 2**53 - 1


def large(number: int, chars: int = 256) -> Update:
    value = "v" * chars
    user = {str(key): value for key in range(12)}
    return Update(METADATA, f"{number:0128x}", {"user": user})


def plain(batch: Batch) -> "list[dict[str, object]]":
    return [update.to_data() for update in batch.updates]


def changed(name: str, value: object) -> str:
    members = decode(encode_batch("b", 5, [temperature()]).encode(), max_bytes=1000)
    assert isinstance(members, dict)
    members[name] = value
    return encode(members).decode()


def refused(payload: str) -> str:
    return str(raises(DecodeError, decode_batch, payload))


def test_text_to_the_byte() -> None:
    updates = [Update(TEMPERATURE, BLOCK_ID, {"class": "HOT"}), Update(METADATA, BLOCK_ID, None)]
    expected = (
        '{"batchId":"b\u00e9","timestamp":1700000000123,"updates":['
        '{"blockId":"' + BLOCK_ID + '","data":{"class":"HOT"},"type":"TEMPERATURE"},'
        '{"blockId":"' + BLOCK_ID + '","data":null,"type":"METADATA"}]}'
    )
    assert encode_batch("b\u00e9", 1700000000123, updates) == expected


def test_what_was_written_is_read() -> None:
    updates = [temperature(number) for number in range(99)] + [Update(METADATA, BLOCK_ID, None)]
    batch = decode_batch(encode_batch("id", 7, updates))
    assert (batch.batch_id, batch.timestamp_ms) == ("id", 7)
    assert plain(batch) == [update.to_data() for update in updates]


def test_bounds_of_what_is_written() -> None:
    one = [temperature()]
    for count in (1, MAX_UPDATES):
        assert encode_batch("b", 0, one * count)
    raises(ValueError, encode_batch, "b", 0, [])
    raises(ValueError, encode_batch, "b", 0, one * (MAX_UPDATES + 1))
    assert encode_batch("b" * 64, LAST_MS, one)
    raises(ValueError, encode_batch, "b" * 65, 0, one)
    raises(ValueError, encode_batch, "b", -1, one)
    raises(ValueError, encode_batch, "b", LAST_MS + 1, one)
    raises(ValueError, encode_batch, "b", 0, [large(0, chars=400)])
    raises(ValueError, encode_batch, "b", 0, [large(number) for number in range(12)])


def test_the_largest_batch_and_the_largest_update() -> None:
    updates = [large(number, chars=300) for number in range(8)]
    last = Update(METADATA, BLOCK_ID, {"user": {str(key): "" for key in range(12)}})
    assert last.data is not None
    last.data["durabilityLevel"] = ""
    room = MAX_BATCH_BYTES - len(encode_batch("b", 0, updates + [last]))
    last.data["durabilityLevel"] = "d" * room
    assert len(encode_batch("b", 0, updates + [last])) == MAX_BATCH_BYTES
    last.data["durabilityLevel"] = "d" * (room + 1)
    raises(ValueError, encode_batch, "b", 0, updates + [last])
    room += MAX_UPDATE_BYTES - len(encode(last.to_data())) + 1
    last.data["durabilityLevel"] = "d" * room
    assert len(encode(last.to_data())) == MAX_UPDATE_BYTES
    assert fill([last]) == 1
    assert encode_batch("b", 0, [last])
    last.data["durabilityLevel"] = "d" * (room + 1)
    raises(ValueError, fill, [last])
    raises(ValueError, encode_batch, "b", 0, [last])


def test_a_batch_is_filled_by_number_and_by_size() -> None:
    assert fill([]) == 0
    assert fill([temperature()]) == 1
    assert fill([temperature()] * MAX_UPDATES) == MAX_UPDATES
    assert fill([temperature()] * 1000) == MAX_UPDATES
    assert 8 <= fill([large(number) for number in range(100)]) < 12
    raises(ValueError, fill, [large(0, chars=400)])


def test_what_is_filled_always_fits_and_wastes_little() -> None:
    for chars in range(0, 256, 5):
        updates = [large(number, chars) for number in range(101)]
        count = fill(updates)
        payload = encode_batch(LONGEST_ID, LAST_MS, updates[:count])
        assert len(payload.encode()) <= MAX_BATCH_BYTES
        if count < MAX_UPDATES:
            more = len(encode(updates[count].to_data()))
            assert len(payload.encode()) + more > MAX_BATCH_BYTES - 100


def test_nothing_is_lost_between_batches() -> None:
    rest = [large(number, number * 7 % 257) for number in range(120)]
    batches = 0
    while rest:
        count = fill(rest)
        read = plain(decode_batch(encode_batch(LONGEST_ID, LAST_MS, rest[:count])))
        assert read == [update.to_data() for update in rest[:count]]
        rest = rest[count:]
        batches += 1
    assert 5 < batches < 15


def test_each_field_is_needed() -> None:
    for name in ("batchId", "timestamp", "updates"):
        assert refused(changed(name, None)).startswith("batch." + name + ": expected"), name


def test_wrong_values() -> None:
    update = temperature().to_data()
    wrong: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("batchId", (1, "b" * 65, [])),
        ("timestamp", (-1, 2**53 - 1.0, "1", True)),
        ("updates", ([], {}, "", [1], [None], [[]], [update] * (MAX_UPDATES + 1))),
        ("updates", ([update, {"type": "METADATA", "blockId": "0"}],)),
    )
    for name, values in wrong:
        for value in values:
            assert refused(changed(name, value)).startswith("batch." + name), (name, value)
    where = refused(
        changed("updates", [update, {"type": TEMPERATURE, "blockId": BLOCK_ID, "data": {}}])
    )
    assert where.startswith("batch.updates[1].data.class: expected one of")


def test_bounds_of_what_is_read() -> None:
    update = temperature().to_data()
    assert len(decode_batch(changed("updates", [update] * MAX_UPDATES)).updates) == MAX_UPDATES
    for timestamp_ms in (0, LAST_MS):
        assert decode_batch(changed("timestamp", timestamp_ms)).timestamp_ms == timestamp_ms
    payload = encode_batch("b", 5, [temperature()])
    padded = payload + " " * (MAX_BATCH_BYTES - len(payload))
    assert decode_batch(padded).batch_id == "b"
    refused(padded + " ")
    # In bytes, not in characters.
    refused(changed("later", "\u20ac" * (MAX_BATCH_BYTES // 3)))
    user = {str(key): "v" * 256 for key in range(16)}
    too_large: dict[str, object] = {"type": METADATA, "blockId": BLOCK_ID, "data": {"user": user}}
    assert "4096" in refused(changed("updates", [too_large]))


def test_malformed() -> None:
    for payload in ("", "[]", "null", '{"batchId":', "\x00", "{}{}"):
        refused(payload)


def test_what_a_later_version_adds_is_left_out() -> None:
    assert decode_batch(changed("later", {"any": 1})).batch_id == "b"
    known = temperature().to_data()
    known["later"] = 1
    later: dict[str, object] = {"type": "LATER", "blockId": 7, "data": [1]}
    batch = decode_batch(changed("updates", [later, known, later]))
    assert plain(batch) == plain(decode_batch(encode_batch("b", 5, [temperature()])))
    assert decode_batch(changed("updates", [later])).updates == []
