"""The data of each event: what is written and read, its bounds, what is refused."""

from edgenode.core.errors import DecodeError
from edgenode.core.events import (
    HAVE,
    LACK,
    MAX_ADVERTISEMENTS,
    WANT,
    Announce,
    BlockSync,
    decode_announce,
    decode_block_sync,
    decode_leave,
    decode_nonce,
)
from edgenode.core.fields import Fields
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import signed

BLOCK_ID = "0f" * 64


def fields(data: "dict[str, object]") -> Fields:
    return Fields(data, "message.data")


def changed(data: "dict[str, object]", name: str, value: object) -> Fields:
    copy = dict(data)
    copy[name] = value
    return fields(copy)


def announcement() -> "dict[str, object]":
    return Announce(
        version="0.1.0", http_port=4280, ws_port=4242, capabilities=["blocks", "x"], region="eu"
    ).to_data()


def sync(op: str) -> "dict[str, object]":
    return BlockSync(op, BLOCK_ID, 7, offset=5, length=6, size=8, reason="not-held").to_data()


def refused(decode: "object", data: "dict[str, object]", name: str, values: "object") -> None:
    assert callable(decode)
    assert isinstance(values, tuple)
    for value in values:
        error = raises(DecodeError, decode, changed(data, name, value))
        assert str(error).startswith("message.data." + name), (name, value)


def test_announce() -> None:
    data = announcement()
    assert sorted(data) == ["capabilities", "httpPort", "region", "version", "wsPort"]
    read = decode_announce(fields(data))
    assert (read.version, read.region) == ("0.1.0", "eu")
    assert (read.http_port, read.ws_port) == (4280, 4242)
    assert read.capabilities == ["blocks", "x"]


def test_announce_without_http_port() -> None:
    data = announcement()
    assert decode_announce(changed(data, "httpPort", None)).http_port is None
    del data["httpPort"]
    assert decode_announce(fields(data)).http_port is None


def test_announce_at_its_bounds() -> None:
    data = announcement()
    assert decode_announce(changed(data, "wsPort", 65535)).ws_port == 65535
    assert decode_announce(changed(data, "wsPort", 1)).ws_port == 1
    assert decode_announce(changed(data, "version", "v" * 32)).version == "v" * 32
    assert decode_announce(changed(data, "region", "")).region == ""
    assert decode_announce(changed(data, "region", "r" * 64)).region == "r" * 64
    full = ["c" * 64] * 16
    assert decode_announce(changed(data, "capabilities", full)).capabilities == full


def test_announce_with_advertisements() -> None:
    data = announcement()
    assert decode_announce(fields(data)).advertisements == []
    assert decode_announce(changed(data, "advertisements", [])).advertisements == []
    told = [signed("{}", seq=number).to_data() for number in range(MAX_ADVERTISEMENTS)]
    read = decode_announce(changed(data, "advertisements", told))
    assert [item.seq for item in read.advertisements] == list(range(64))
    assert read.to_data() == dict(data, advertisements=told)
    wrong: tuple[object, ...] = (
        told + told[:1],
        "a",
        [1],
        [None],
        [{}],
        [dict(told[0], epoch=0)],
        told[0],
    )
    for value in wrong:
        error = raises(DecodeError, decode_announce, changed(data, "advertisements", value))
        assert ".advertisements" in str(error)


def test_announce_refused() -> None:
    data = announcement()
    refused(decode_announce, data, "version", (None, 1, "v" * 33))
    refused(decode_announce, data, "httpPort", (0, 65536, "4280", True, 1.0))
    refused(decode_announce, data, "wsPort", (None, 0, 65536, -1, "4242", True))
    refused(decode_announce, data, "region", (None, 1, "r" * 65))
    refused(decode_announce, data, "capabilities", (None, "a", ["a"] * 17, [1], ["c" * 65], [None]))


def test_nonce() -> None:
    for nonce in (0, 2**32 - 1):
        assert decode_nonce(fields({"nonce": nonce})) == nonce
    refused(decode_nonce, {}, "nonce", (None, -1, 2**32, "7", 1.0, True))


def test_leave() -> None:
    for reason in ("", "stopping", "r" * 32):
        assert decode_leave(fields({"reason": reason})) == reason
    refused(decode_leave, {}, "reason", (None, 7, "r" * 33))


def test_each_step_says_what_it_has_to() -> None:
    common = ["blockId", "fetchId"]
    assert sorted(sync(WANT)) == common + ["length", "offset", "op"]
    assert sorted(sync(HAVE)) == common + ["op", "size"]
    assert sorted(sync(LACK)) == common + ["op", "reason"]


def read_sync(data: Fields) -> BlockSync:
    step = decode_block_sync(data)
    assert step is not None
    return step


def test_want() -> None:
    read = read_sync(fields(sync(WANT)))
    assert (read.op, read.block_id, read.fetch_id) == (WANT, BLOCK_ID, 7)
    assert (read.offset, read.length) == (5, 6)
    for length in (0, 256 * 1024):
        assert read_sync(changed(sync(WANT), "length", length)).length == length
    assert read_sync(changed(sync(WANT), "offset", 2**53 - 1)).offset == 2**53 - 1
    refused(decode_block_sync, sync(WANT), "offset", (None, -1, 2**53, "0", True, 0.0))
    refused(decode_block_sync, sync(WANT), "length", (None, -1, 256 * 1024 + 1, "0", True))


def test_have() -> None:
    read = read_sync(fields(sync(HAVE)))
    assert (read.op, read.block_id, read.fetch_id, read.size) == (HAVE, BLOCK_ID, 7, 8)
    for size in (1, 2**53 - 1):
        assert read_sync(changed(sync(HAVE), "size", size)).size == size
    refused(decode_block_sync, sync(HAVE), "size", (None, 0, -1, 2**53, "8", True))


def test_lack() -> None:
    read = read_sync(fields(sync(LACK)))
    assert (read.op, read.block_id, read.fetch_id) == (LACK, BLOCK_ID, 7)
    assert read.reason == "not-held"
    assert read_sync(changed(sync(LACK), "reason", "a later one")).reason == "a later one"
    refused(decode_block_sync, sync(LACK), "reason", (None, 7, "r" * 33))


def test_what_all_steps_have() -> None:
    wrong_ids = (None, 7, "", "0f" * 63, "0f" * 65, "0F" * 64, "0g" * 64)
    for op in (WANT, HAVE, LACK):
        data = sync(op)
        for fetch_id in (0, 2**32 - 1):
            assert read_sync(changed(data, "fetchId", fetch_id)).fetch_id == fetch_id
        refused(decode_block_sync, data, "blockId", wrong_ids)
        refused(decode_block_sync, data, "fetchId", (None, -1, 2**32, "7", True))
        refused(decode_block_sync, data, "op", (None, 7, "o" * 33))


def test_a_later_op_is_ignored_whatever_it_carries() -> None:
    for op in ("later", "", "Want"):
        assert decode_block_sync(changed(sync(WANT), "op", op)) is None
        assert decode_block_sync(fields({"op": op, "blockId": 7})) is None


def test_later_fields_are_ignored() -> None:
    assert decode_announce(changed(announcement(), "later", 1)).version == "0.1.0"
    assert decode_leave(fields({"reason": "a", "later": 1})) == "a"
    assert read_sync(changed(sync(HAVE), "offset", "no have has one")).size == 8
