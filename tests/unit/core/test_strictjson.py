"""The decoder and encoder as each interpreter uses them, on one corpus."""

import struct

from edgenode.core.errors import DecodeError
from edgenode.core.strictjson import decode, encode
from tests.unit.core.corpus import lines, unescape
from tests.unit.core.helpers import raises, same

MAX_BYTES = 65536


def double(bits: str) -> float:
    number: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    return number


def refused(data: bytes, **bounds: int) -> str:
    bounds.setdefault("max_bytes", MAX_BYTES)
    return str(raises(DecodeError, decode, data, **bounds))


def test_valid_corpus() -> None:
    for name, text, expected in lines("valid.txt"):
        value = decode(unescape(text), max_bytes=MAX_BYTES)
        assert same(value, eval(expected, {"f": double})), name  # noqa: S307 - our own file


def test_invalid_corpus() -> None:
    for name, text in lines("invalid.txt"):
        try:
            decode(unescape(text), max_bytes=MAX_BYTES)
        except DecodeError:
            continue
        raise AssertionError("accepted: " + name)


def test_what_was_written_reads_the_same() -> None:
    for name, text, _ in lines("valid.txt"):
        value = decode(unescape(text), max_bytes=MAX_BYTES)
        assert same(decode(encode(value), max_bytes=MAX_BYTES), value), name


def test_size_is_bounded() -> None:
    assert decode(b"[1]", max_bytes=3) == [1]
    assert "more than 2 bytes" in refused(b"[1]", max_bytes=2)


def test_depth_is_bounded() -> None:
    assert decode(b"1", max_bytes=MAX_BYTES, max_depth=0) == 1
    assert "deeper than 0" in refused(b"[]", max_depth=0)
    assert decode(b'[{"a":[]}]', max_bytes=MAX_BYTES, max_depth=3) == [{"a": []}]
    assert "deeper than 2" in refused(b'[{"a":[]}]', max_depth=2)
    assert decode(b'["[[[[","]]]]",[]]', max_bytes=MAX_BYTES, max_depth=2) == ["[[[[", "]]]]", []]
    assert "deeper than 1" in refused(b'["]",["]",["]"]]]', max_depth=1)


def test_tokens_are_bounded() -> None:
    for text, tokens in (
        (b"[" + b"0," * 60 + b"0]", 62),
        (b"[" + b"{}," * 60 + b"{}]", 123),
        (b'{"a":1,"b":[2,{"c":3}],"d":"' + b"," * 80 + b'"}', 11),
        (b'["\\",[{:",1,"\\\\",' + b" " * 80 + b"2]", 5),
    ):
        decode(text, max_bytes=MAX_BYTES, max_tokens=tokens)
        assert "values and keys" in refused(text, max_tokens=tokens - 1)
    assert "values and keys" in refused(b'["' + b'","' * 30000 + b'"]', max_bytes=10**6)


def test_errors_name_the_place() -> None:
    for text, at in (
        (b"", 0),
        (b"[1,x]", 3),
        (b"[1 2]", 3),
        (b'["\xc3\xa9\xc3\xa9" 2]', 8),
        (b'{"a" 1}', 5),
        (b"[1] x", 4),
        (b'["a\xff"]', 3),
        (b'["\xe2\x82\xac",x]', 7),
    ):
        assert refused(text).startswith("byte " + str(at) + ":"), text


def test_errors_name_what_is_wrong() -> None:
    assert "duplicate key 'abc'" in refused(b'{"abc":1,"abc":2}')
    assert "outside +-(2**53-1)" in refused(b"[9007199254740992]")
    assert "too large for a double" in refused(b"[1e400]")
    assert "more than 64 characters" in refused(b"0." + b"1" * 70)
    assert "half a surrogate pair" in refused(b'["\\ud800"]')
    assert "UTF-8" in refused(b'"\xed\xa0\x80"')


def test_errors_are_short() -> None:
    key = b'"' + b"k" * 10000 + b'"'
    for text in (b"{" + key + b":1," + key + b":1}", b"9" * 10000, b"[" * 10000, key + b"x"):
        assert len(refused(text)) < 120


def test_encode_to_the_byte() -> None:
    for value, text in (
        (None, b"null"),
        (True, b"true"),
        (False, b"false"),
        (0, b"0"),
        (-(2**53) + 1, b"-9007199254740991"),
        (1.0, b"1.0"),
        (-0.0, b"-0.0"),
        (1 / 3, b"0.3333333333333333"),
        (1e16, b"1e+16"),
        (123456789012345.0, b"123456789012345.0"),
        (0.0001, b"0.0001"),
        (0.00001, b"1e-05"),
        (double("0000000000000001"), b"5e-324"),
        (double("7fefffffffffffff"), b"1.7976931348623157e+308"),
        (2.0**-44, b"5.684341886080802e-14"),
        ("", b'""'),
        ('"\\/', b'"\\"\\\\/"'),
        ("\b\f\n\r\t\0\x1f\x7f", b'"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"'),
        ("é€😀\u2028", b'"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xe2\x80\xa8"'),
        ([], b"[]"),
        ((1, [2], ()), b"[1,[2],[]]"),
        ({}, b"{}"),
        ({"b": 1, "a": {"d": [], "c": None}}, b'{"a":{"c":null,"d":[]},"b":1}'),
        (
            {"\U00010000": 1, "\uffff": 2, "z": 3, "A": 4},
            b'{"A":4,"z":3,"\xef\xbf\xbf":2,"\xf0\x90\x80\x80":1}',
        ),
    ):
        assert encode(value) == text, text


def test_encode_refuses_what_it_could_not_read_back() -> None:
    for value in (
        float("nan"),
        float("inf"),
        -float("inf"),
        2**53,
        -(2**53),
        "\ud800",
        "a\udfffb",
        {"\udc00": 1},
    ):
        raises(ValueError, encode, value)
        raises(ValueError, encode, [value])
        raises(ValueError, encode, {"a": value})


def test_encode_refuses_other_types() -> None:
    for value in (b"a", bytearray(1), {1, 2}, object(), 1j, {1: 2}, {None: 1}, {True: 1}):
        raises(TypeError, encode, value)
        raises(TypeError, encode, {"a": [value]})


def test_encode_ends_in_circles() -> None:
    circle: list[object] = []
    circle.append(circle)
    raises(ValueError, encode, circle)
    value: object = 1
    for _ in range(32):
        value = [value]
    assert encode(value) == b"[" * 32 + b"1" + b"]" * 32
    raises(ValueError, encode, [value])
