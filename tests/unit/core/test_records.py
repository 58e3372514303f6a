"""Updates of each type, and what a reader makes of several records."""

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.records import (
    LOCATION,
    MAX_UPDATE_BYTES,
    METADATA,
    TEMPERATURE,
    TEMPERATURES,
    TYPES,
    Update,
    decode_update,
    hottest,
    merged,
)
from edgenode.core.strictjson import encode
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import BLOCK_ID

FULL: "dict[str, object]" = {
    "size": 1,
    "createdAt": 0,
    "expiresAt": 2**53 - 1,
    "durabilityLevel": "d" * 32,
    "user": {"k" * 32: "v" * 256},
}

NOT_OBJECTS: "tuple[object, ...]" = ([], "", 0, False)


def read(type_: object, data: object, block_id: object = BLOCK_ID) -> "Update | None":
    members = {"type": type_, "blockId": block_id, "data": data}
    return decode_update(Fields(members, "u"))


def data_of(type_: str, data: object) -> object:
    update = read(type_, data)
    assert update is not None
    assert (update.type, update.block_id) == (type_, BLOCK_ID)
    assert update.to_data() == {"type": type_, "blockId": BLOCK_ID, "data": update.data}
    return update.data


def refused(type_: str, data: object) -> str:
    return str(raises(DecodeError, read, type_, data))


def test_names() -> None:
    assert TYPES == ("TEMPERATURE", "LOCATION", "METADATA")
    assert TEMPERATURES == ("FROZEN", "COLD", "COOL", "WARM", "HOT", "VIRAL")


def test_temperature() -> None:
    for class_ in TEMPERATURES:
        assert data_of(TEMPERATURE, {"class": class_}) == {"class": class_}
    wrong: tuple[object, ...] = (None, "", "hot", "TEPID", 1, True, ["HOT"], {})
    for value in wrong:
        assert refused(TEMPERATURE, {"class": value}).startswith("u.data.class: expected one of")


def test_location() -> None:
    for size in (1, 2**53 - 1):
        assert data_of(LOCATION, {"size": size}) == {"size": size}
    for value in (None, 0, -1, 2**53, 1.0, True, "1"):
        assert refused(LOCATION, {"size": value}).startswith("u.data.size: ")


def test_metadata() -> None:
    assert data_of(METADATA, FULL) == FULL
    assert data_of(METADATA, {}) == {}
    for name in ("createdAt", "expiresAt"):
        for number in (0, 2**53 - 1):
            assert data_of(METADATA, {name: number}) == {name: number}
    for number in (1, 2**53 - 1):
        assert data_of(METADATA, {"size": number}) == {"size": number}
    for name in FULL:
        assert data_of(METADATA, {name: FULL[name]}) == {name: FULL[name]}
        assert data_of(METADATA, {name: None}) == {}


def test_wrong_metadata() -> None:
    wrong: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("size", (0, 2**53, 1.0, "1", True)),
        ("createdAt", (-1, 2**53, 1.0, "2026-01-01T00:00:00Z")),
        ("expiresAt", (-1, 2**53, 1.0, False)),
        ("durabilityLevel", (1, "d" * 33, [])),
        ("user", ([], "", {"k": 1}, {"k": None}, {"k" * 33: "v"}, {"k": "v" * 257})),
        ("user", ({str(number): "" for number in range(17)},)),
    )
    for name, values in wrong:
        for value in values:
            assert refused(METADATA, {name: value}).startswith("u.data." + name), (name, value)
    assert data_of(METADATA, {"user": {str(number): "" for number in range(16)}})


def test_unknown_fields_of_data_are_left_out() -> None:
    assert data_of(TEMPERATURE, {"class": "HOT", "later": 1}) == {"class": "HOT"}
    assert data_of(LOCATION, {"size": 1, "later": {}}) == {"size": 1}
    assert data_of(METADATA, {"later": [1], "class": 7}) == {}


def test_a_tombstone() -> None:
    for type_ in TYPES:
        assert data_of(type_, None) is None
        absent = decode_update(Fields({"type": type_, "blockId": BLOCK_ID}, "u"))
        assert absent is not None
        assert absent.data is None
        for value in NOT_OBJECTS:
            assert refused(type_, value) == "u.data: expected an object"


def test_a_type_of_a_later_version() -> None:
    assert read("LATER", {"any": 1}) is None
    assert read("temperature", {"class": "HOT"}) is None
    assert read("LATER", 1, block_id=2) is None
    for type_ in (None, 1, "t" * 33):
        raises(DecodeError, read, type_, None)


def test_block_id() -> None:
    for type_ in TYPES:
        for block_id in (None, 1, "", BLOCK_ID.upper(), BLOCK_ID[2:]):
            error = raises(DecodeError, read, type_, None, block_id)
            assert str(error) == "u.blockId: expected a block id"


def test_size_of_an_update() -> None:
    user = {f"{number:02}": '"' * 128 for number in range(14)}
    user["last"] = ""
    size = len(encode(Update(METADATA, BLOCK_ID, {"user": user}).to_data()))
    room = MAX_UPDATE_BYTES - size
    assert 0 < room <= 256
    user["last"] = "v" * room
    assert data_of(METADATA, {"user": user, "later": "not counted" * 100}) == {"user": user}
    user["last"] += "v"
    assert "more than 4096 bytes" in refused(METADATA, {"user": user})


def test_hottest() -> None:
    assert hottest([]) is None
    for place in range(len(TEMPERATURES)):
        assert hottest(TEMPERATURES[: place + 1]) == TEMPERATURES[place]
        assert hottest(TEMPERATURES[place:] + ("FROZEN",)) == "VIRAL"
    assert hottest(iter(["WARM", "COLD"])) == "WARM"


def test_merged() -> None:
    assert merged([]) == {}
    first: dict[str, object] = {"size": 1, "user": {"a": "1"}}
    second: dict[str, object] = {"size": 2, "createdAt": 5, "user": {"a": "2", "b": "3"}}
    assert merged([first, second]) == {
        "size": 1,
        "createdAt": 5,
        "user": {"a": "1", "b": "3"},
    }
    assert merged([second, first]) == {
        "size": 2,
        "createdAt": 5,
        "user": {"a": "2", "b": "3"},
    }
    assert first == {"size": 1, "user": {"a": "1"}}
