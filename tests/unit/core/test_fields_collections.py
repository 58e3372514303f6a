"""Typed field access: arrays, maps and forms of text."""

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from tests.unit.core.helpers import raises

BLOCK_ID = "0f" * 64
NOT_TEXTS: "tuple[object, ...]" = (None, 1, 1.0, True, [], {})
NOT_ARRAYS: "tuple[object, ...]" = (None, 1, True, "00", {}, {"0": 1})


def of(value: object) -> Fields:
    return Fields({"a": value}, "m")


def refused(value: object, method: str, *args: object) -> str:
    return str(raises(DecodeError, getattr(of(value), method), "a", *args))


def test_text_bytes() -> None:
    assert of("\u20ac").text_bytes("a", 3) == "\u20ac"
    assert refused("\u20ac", "text_bytes", 2) == "m.a: more than 2 bytes"
    assert refused("abc", "text_bytes", 2) == "m.a: more than 2 characters"
    for value in NOT_TEXTS:
        assert refused(value, "text_bytes", 9).startswith("m.a: expected a text")


def test_one_of() -> None:
    assert of("b").one_of("a", ("b", "c")) == "b"
    for value in NOT_TEXTS + ("", "B", "bc", ["b"]):
        assert refused(value, "one_of", ("b", "c")) == "m.a: expected one of b, c"


def test_block_id() -> None:
    assert of(BLOCK_ID).block_id("a") == BLOCK_ID
    for value in NOT_TEXTS + ("", BLOCK_ID[1:], BLOCK_ID.upper(), [BLOCK_ID]):
        assert refused(value, "block_id") == "m.a: expected a block id"


def test_hexes() -> None:
    assert of([]).hexes("a", 0, 2) == []
    assert of(["00ff", "1234"]).hexes("a", 2, 2) == [b"\x00\xff", b"\x12\x34"]
    assert refused(["00ff", "1234"], "hexes", 1, 2) == "m.a: more than 1 items"
    for item in NOT_TEXTS + ("00F1", "00", "00ff00"):
        expected = "m.a[1]: expected 4 lowercase hex digits"
        assert refused(["00ff", item], "hexes", 2, 2) == expected
    for value in NOT_ARRAYS:
        assert refused(value, "hexes", 2, 2).startswith("m.a: expected an array")


def test_optional_section() -> None:
    section = of({"b": 7}).optional_section("a")
    assert section is not None
    assert section.integer("b", 7, 7) == 7
    assert str(raises(DecodeError, section.integer, "c", 0, 1)).startswith("m.a.c: ")
    assert of(None).optional_section("a") is None
    assert of(1).optional_section("b") is None
    wrong: tuple[object, ...] = (1, True, "", [], False, 0)
    for value in wrong:
        assert refused(value, "optional_section") == "m.a: expected an object"


def test_rows() -> None:
    assert of([]).rows("a", 0, ("b",)) == []
    rows = of([[1, "x"], [2, "y"]]).rows("a", 2, ("b", "c"))
    assert [(row.integer("b", 1, 2), row.text("c", 1)) for row in rows] == [(1, "x"), (2, "y")]
    error = raises(DecodeError, rows[1].integer, "b", 3, 4)
    assert str(error) == "m.a[1].b: 2 is not in 3 to 4"
    assert refused([[1], [2]], "rows", 1, ("b",)) == "m.a: more than 1 items"
    for item in NOT_TEXTS + ([1], [1, 2, 3], {"b": 1, "c": 2}, "bc"):
        assert refused([[1, 2], item], "rows", 2, ("b", "c")) == "m.a[1]: expected an array of 2"
    for value in NOT_ARRAYS:
        assert refused(value, "rows", 2, ("b",)).startswith("m.a: expected an array")


def test_text_map() -> None:
    assert of({"k": "v", "": ""}).text_map("a", 2, 1, 1) == {"k": "v", "": ""}
    assert of(None).text_map("a", 2, 1, 1) == {}
    assert of(1).text_map("b", 2, 1, 1) == {}
    assert refused({"k": "v", "l": "w"}, "text_map", 1, 1, 1) == "m.a: more than 1 items"
    assert refused({"kk": "v"}, "text_map", 1, 1, 1) == "m.a: a key of more than 1 characters"
    assert refused({"k": "vv"}, "text_map", 1, 1, 1) == "m.a['k']: more than 1 characters"
    for item in NOT_TEXTS:
        assert refused({"k": item}, "text_map", 1, 1, 1) == "m.a['k']: expected a text"
    for value in (1, True, "", [], ["k"]):
        assert refused(value, "text_map", 1, 1, 1) == "m.a: expected an object"


def test_a_key_cannot_break_a_line_of_the_log() -> None:
    assert "\n" not in refused({"k\n": 1}, "text_map", 1, 9, 1)
