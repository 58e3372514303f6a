"""Heads."""

from edgenode.core.errors import DecodeError
from edgenode.core.head import MAX_HEAD_BYTES, Head, decode_head, encode_head
from edgenode.core.strictjson import decode, encode
from tests.unit.core.helpers import raises

ROOT = bytes(range(16))
NAMES = ("batchEpoch", "batchSeq", "floorEpoch", "floorSeq", "root", "count")


def head() -> Head:
    return Head(batch_epoch=3, batch_seq=9, floor_epoch=2, floor_seq=4, root=ROOT, count=17)


def read(changes: "dict[str, object]") -> Head:
    members = decode(encode_head(head()).encode(), max_bytes=MAX_HEAD_BYTES)
    assert isinstance(members, dict)
    members.update(changes)
    return decode_head(encode(members).decode())


def test_text_to_the_byte() -> None:
    expected = (
        '{"batchEpoch":3,"batchSeq":9,"count":17,"floorEpoch":2,"floorSeq":4,'
        '"root":"000102030405060708090a0b0c0d0e0f"}'
    )
    assert encode_head(head()) == expected


def test_what_was_written_is_read() -> None:
    again = decode_head(encode_head(head()))
    assert (again.batch_epoch, again.batch_seq) == (3, 9)
    assert (again.floor_epoch, again.floor_seq) == (2, 4)
    assert (again.root, again.count) == (ROOT, 17)


def test_of_no_batches() -> None:
    zeros = {name: 0 for name in NAMES if name != "root"}
    assert read(dict(zeros, root="00" * 16)).count == 0
    for root, count in (("00" * 16, 1), (ROOT.hex(), 0)):
        error = raises(DecodeError, read, {"root": root, "count": count})
        assert str(error).startswith("head.root: ")


def test_bounds() -> None:
    most = 2**53 - 1
    for name in NAMES:
        assert str(raises(DecodeError, read, {name: None})).startswith("head." + name + ": ")
        if name != "root":
            read({name: most})
            for value in (-1, most + 0.5, 1.0, "1", True):
                raises(DecodeError, read, {name: value})
    for root in ("00" * 15, "0A" * 16, 7):
        raises(DecodeError, read, {"root": root})


def test_room_for_later_fields() -> None:
    text = encode_head(head())
    assert len(text) < 200
    assert read({"later": {"any": [1]}}).count == 17
    assert decode_head(text + " " * (MAX_HEAD_BYTES - len(text))).count == 17
    raises(DecodeError, decode_head, text + " " * (MAX_HEAD_BYTES - len(text) + 1))


def test_malformed() -> None:
    for payload in ("", "[]", "null", encode_head(head())[:-1]):
        raises(DecodeError, decode_head, payload)
