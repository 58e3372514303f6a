"""Typed field access: what each method takes, refuses, and says of it."""

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from tests.unit.core.helpers import raises

EVERYTHING = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "float": 1.0,
    "text": "abc",
    "empty": "",
    "hex": "00ff",
    "texts": ["a", "bc"],
    "objects": [{"x": 1}, {"x": 2}],
    "nothing": [],
    "object": {"inner": {"x": 7}},
}


def fields() -> Fields:
    return Fields(EVERYTHING, "message")


def refused(method: str, *args: object, **named: object) -> str:
    return str(raises(DecodeError, getattr(fields(), method), *args, **named))


def all_but(*names: str) -> "list[str]":
    return [name for name in EVERYTHING if name not in names]


def test_only_an_object_has_fields() -> None:
    values: tuple[object, ...] = (None, True, 1, 1.0, "a", [], [{}])
    for value in values:
        assert str(raises(DecodeError, Fields, value, "hello")) == "hello: expected an object"


def test_text() -> None:
    assert fields().text("text", 3) == "abc"
    assert fields().text("empty", 3) == ""
    assert refused("text", "text", 2) == "message.text: more than 2 characters"
    for name in all_but("text", "empty", "hex"):
        assert refused("text", name, 9).startswith("message." + name + ": expected a text")


def test_text_counts_characters() -> None:
    assert Fields({"a": "€😀"}, "m").text("a", 2) == "€😀"
    raises(DecodeError, Fields({"a": "€😀"}, "m").text, "a", 1)


def test_integer() -> None:
    assert fields().integer("one", 1, 1) == 1
    assert fields().integer("zero", -5, 5) == 0
    assert refused("integer", "one", 2, 9) == "message.one: 1 is not in 2 to 9"
    assert refused("integer", "one", -9, 0) == "message.one: 1 is not in -9 to 0"
    for name in all_but("one", "zero"):
        assert refused("integer", name, -9, 9).startswith("message." + name + ": expected an int")


def test_boolean() -> None:
    assert fields().boolean("true") is True
    assert fields().boolean("false") is False
    for name in all_but("true", "false"):
        assert refused("boolean", name).startswith("message." + name + ": expected true or false")


def test_hex_bytes() -> None:
    assert fields().hex_bytes("hex", 2) == b"\x00\xff"
    assert fields().hex_bytes("empty", 0) == b""
    for length in (0, 1, 3):
        refused("hex_bytes", "hex", length)
    for name in all_but("hex"):
        assert refused("hex_bytes", name, 2).startswith("message." + name + ": expected ")


def test_hex_bytes_has_one_form() -> None:
    for text in ("00FF", "00 f", "0 0 ", " 00f", "0x0f", "00fg", "\uff10\uff10ff", "00f\n"):
        raises(DecodeError, Fields({"a": text}, "m").hex_bytes, "a", 2)


def test_texts() -> None:
    assert fields().texts("texts", 2, 2) == ["a", "bc"]
    assert fields().texts("nothing", 0, 0) == []
    assert refused("texts", "texts", 1, 2) == "message.texts: more than 1 items"
    assert refused("texts", "texts", 2, 1) == "message.texts[1]: more than 1 characters"
    assert refused("texts", "objects", 9, 9) == "message.objects[0]: expected a text"
    for name in all_but("texts", "nothing", "objects"):
        assert refused("texts", name, 9, 9).startswith("message." + name + ": expected an array")


def test_items() -> None:
    assert [item.integer("x", 0, 9) for item in fields().items("objects", 2)] == [1, 2]
    assert fields().items("nothing", 0) == []
    assert refused("items", "objects", 1) == "message.objects: more than 1 items"
    assert refused("items", "texts", 9) == "message.texts[0]: expected an object"
    for name in all_but("texts", "nothing", "objects"):
        assert refused("items", name, 9).startswith("message." + name + ": expected an array")
    error = raises(DecodeError, fields().items("objects", 2)[1].text, "x", 1)
    assert str(error) == "message.objects[1].x: expected a text"


def test_section() -> None:
    assert fields().section("object").section("inner").integer("x", 7, 7) == 7
    error = raises(DecodeError, fields().section("object").section("inner").integer, "x", 8, 9)
    assert str(error) == "message.object.inner.x: 7 is not in 8 to 9"
    for name in all_but("object") + ["absent"]:
        assert refused("section", name) == "message." + name + ": expected an object"


def test_what_is_missing() -> None:
    for name in ("absent", "null"):
        path = "message." + name
        assert refused("text", name, 1) == path + ": expected a text, which is missing"
        assert refused("texts", name, 1, 1) == path + ": expected an array, which is missing"
        assert refused("items", name, 1) == path + ": expected an array, which is missing"
        assert refused("integer", name, 0, 1) == path + ": expected an integer, which is missing"
        assert refused("boolean", name) == path + ": expected true or false, which is missing"
        assert refused("hex_bytes", name, 1) == path + ": expected hex digits, which is missing"


def test_defaults() -> None:
    for name in ("absent", "null"):
        assert fields().text(name, 1, default="none given") == "none given"
        assert fields().texts(name, 1, 1, default=None) is None
        assert fields().integer(name, 0, 1, default=None) is None
        assert fields().boolean(name, default=False) is False
        assert fields().hex_bytes(name, 1, default=b"") == b""


def test_a_default_excuses_no_wrong_value() -> None:
    refused("text", "one", 9, default="")
    refused("text", "text", 1, default="")
    refused("texts", "text", 9, 9, default=None)
    refused("integer", "true", 0, 9, default=1)
    refused("boolean", "zero", default=False)
    refused("hex_bytes", "text", 1, default=b"")
