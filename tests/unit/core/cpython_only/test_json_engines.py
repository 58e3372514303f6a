"""Both ways of reading and writing JSON against each other and against the standard library."""

import json
import math
import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgenode.core.errors import DecodeError
from edgenode.core.strictjson import reader, scanner, writer
from edgenode.core.strictjson.floats import read_float, write_float
from tests.unit.core.corpus import lines, unescape
from tests.unit.core.helpers import same

MAX_INTEGER = 2**53 - 1

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30
)

small_values = st.recursive(
    st.sampled_from([0, None, "", "],", '"\\']),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("a{", max_size=2), inner),
    max_leaves=8,
)

surrogates = st.text(st.characters(categories=["Cs", "Ll"]))

# Pieces of JSON and of what is nearly JSON; drawn together they come close to every rule.
FRAGMENTS = (
    *("{", "}", "[", "]", ",", ":", ",,", "[]", "{}", '{"a":1}', " ", "\n", "\t", "\r"),
    *("true", "false", "null", "nul", "NaN", "Infinity", "-Infinity", "x", "\\", '"', "'", "#"),
    *("0", "-0", "00", "1", "-1", "-", "+", "1.5", "1.", ".5", "1e5", "1e", "1e400", "1E-400"),
    *("9007199254740991", "9007199254740992", "-9007199254740992", "9" * 65, "0." + "1" * 63),
    *('"a"', '"b"', '"a":', '"b":', '"":', '"\\u0061":', '"\\n"', '"\\x"', '"\\u12"', '"\n"'),
    *('"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\u00e9"', '"\U0001f600"'),
    *('"[{,:"', '"]"', '"\\""', '"\\\\"', '"\\\\\\""', "\\ud83d", "\\ude00"),
    *("\x0c", "\x00", "\u00a0", "\ufeff", "\u0661", "\uff11"),
)
near_json = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(
    lambda parts: "".join(parts).encode()
)


def outcome(engine: Any, data: bytes, **bounds: int) -> tuple[str, object]:
    """Give what decoding comes to, for comparing."""
    bounds = {"max_bytes": 100_000, "max_depth": 8, "max_tokens": 20_000, **bounds}
    try:
        return "value", engine.decode(data, **bounds)
    except DecodeError as error:
        assert str(error)
        return "refused", None


def assert_agree(data: bytes, **bounds: int) -> tuple[str, object]:
    by_scanner = outcome(scanner, data, **bounds)
    by_reader = outcome(reader, data, **bounds)
    assert by_scanner[0] == by_reader[0], (data, by_scanner, by_reader)
    assert same(by_scanner[1], by_reader[1]), (data, by_scanner, by_reader)
    return by_scanner


def test_the_scanner_is_the_one_in_c() -> None:
    """The one in Python takes digits of other scripts."""
    assert json.scanner.c_make_scanner is not None  # type: ignore[attr-defined]
    assert type(scanner._DECODER.scan_once) is json.scanner.c_make_scanner  # type: ignore[attr-defined]


@pytest.mark.parametrize("file", ["valid.txt", "invalid.txt"])
def test_engines_agree_on_the_corpus(file: str) -> None:
    for name, text, *_ in lines(file):
        kind, value = assert_agree(unescape(text))
        assert kind == ("value" if file == "valid.txt" else "refused"), name
        if kind == "value":
            assert same(value, json.loads(unescape(text))), name


def test_engines_agree_on_every_cut_and_changed_byte_of_the_corpus() -> None:
    for _, text, *_ in lines("valid.txt"):
        data = unescape(text)
        for place in range(len(data)):
            assert_agree(data[:place])
            for byte in b'"\\{}[],:0-.eu \x00\x1f\x80\xc3\xff':
                assert_agree(data[:place] + bytes([byte]) + data[place + 1 :])
                assert_agree(data[:place] + bytes([byte]) + data[place:])


@settings(max_examples=1000)
@given(near_json)
def test_engines_agree_on_what_is_nearly_json(data: bytes) -> None:
    assert_agree(data)


@settings(max_examples=500)
@given(
    near_json | small_values.map(scanner.encode),
    st.integers(0, 4),
    st.integers(1, 12),
    st.integers(0, 60),
)
@example(b'["]",["]",[1]]]', 2, 20, 100)
@example(b'"\\"[[[[[[', 2, 20, 100)
@example(b'\\"[[[[[[', 2, 20, 100)
@example(b'["\\\\",[[1]]]', 2, 20, 100)
def test_engines_agree_on_the_bounds(
    data: bytes, max_depth: int, max_tokens: int, max_bytes: int
) -> None:
    assert_agree(data, max_depth=max_depth, max_tokens=max_tokens, max_bytes=max_bytes)


@settings(max_examples=500)
@given(st.binary(max_size=60))
def test_engines_agree_on_any_bytes(data: bytes) -> None:
    assert_agree(data)
    assert_agree(b'"' + data + b'"')


@settings(max_examples=300)
@given(values)
def test_what_the_standard_library_writes_is_read(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        for engine in (scanner, reader):
            read = engine.decode(text.encode(), max_bytes=10**6, max_depth=100, max_tokens=100_000)
            assert same(read, value)


@settings(max_examples=300)
@given(values)
def test_both_write_the_same_and_read_it_back(value: object) -> None:
    text = scanner.encode(value)
    assert writer.encode(value) == text
    expected = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert text == expected.encode()
    assert same(scanner.decode(text, max_bytes=10**6, max_depth=99, max_tokens=10**5), value)


@given(
    st.recursive(
        scalars | st.floats() | st.integers() | st.binary() | surrogates,
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    )
)
def test_both_refuse_to_write_the_same(value: object) -> None:
    results: list[object] = []
    for engine in (scanner, writer):
        try:
            results.append(engine.encode(value))
        except (TypeError, ValueError):
            results.append("refused")
    assert results[0] == results[1]


@pytest.mark.parametrize("engine", [scanner, writer])
def test_both_refuse_to_write_the_same_depth(engine: Any) -> None:
    value: object = {}
    for _ in range(31):
        value = [value]
    assert engine.encode([value]) == b"[" * 32 + b"{}" + b"]" * 32
    with pytest.raises(ValueError, match="deep"):
        engine.encode([[value]])


@pytest.mark.parametrize("engine", [scanner, reader])
@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"{}," * 87000 + b"{}]",
        b"[" + b"0," * 130000 + b"0]",
        b'{"":' + b'[{"":' * 52000,
        b"[" * 262144,
        b'["' + b'ab","' * 52000 + b'"]',
        b'"ab' * 87000,
        b'"' + b'\\"ab' * 65000,
        b"9" * 262144,
    ],
)
def test_bounds_come_before_memory(engine: Any, text: bytes) -> None:
    """At most what a copy or two of the text take, and the values that the bounds allow."""
    tracemalloc.start()
    try:
        assert outcome(engine, text, max_bytes=2**18)[0] == "refused"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_500_000


@settings(max_examples=500)
@given(st.integers(0, 2**64 - 1))
def test_doubles_are_those_of_cpython(bits: int) -> None:
    (number,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    if math.isfinite(number):
        assert write_float(number) == repr(number)
        assert read_float(repr(number)) == number


@settings(max_examples=500)
@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,4})?", fullmatch=True)
)
def test_decimal_texts_are_read_as_by_cpython(text: str) -> None:
    assert repr(read_float(text)) == repr(float(text))


def test_powers_of_two_and_their_neighbours() -> None:
    for exponent in range(-1074, 1024):
        number = math.ldexp(1.0, exponent)
        for near in (math.nextafter(number, 0), number, math.nextafter(number, math.inf)):
            assert write_float(near) == repr(near)
            assert read_float(repr(near)) == near


def test_half_way_between_doubles() -> None:
    for exponent in range(1, 120):
        for mantissa in (2**52, 2**52 + 1, 2**53 - 2, 2**53 - 1):
            halfway = (2 * mantissa + 1) << exponent
            for number in (halfway - 1, halfway, halfway + 1):
                assert read_float(str(number)) == float(number)
