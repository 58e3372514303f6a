"""Decimal text and doubles, exact on both interpreters; the bits were worked out on CPython."""

import struct

from edgenode.core.strictjson.floats import read_float, write_float

# The shortest text of a double, and its bytes.
DOUBLES = (
    ("0.0", "0000000000000000"),
    ("-0.0", "8000000000000000"),
    ("1.0", "3ff0000000000000"),
    ("-1.5", "bff8000000000000"),
    ("0.1", "3fb999999999999a"),
    ("0.30000000000000004", "3fd3333333333334"),
    ("0.0001", "3f1a36e2eb1c432d"),
    ("1e-05", "3ee4f8b588e368f1"),
    ("9999999999999998.0", "4341c37937e07fff"),
    ("1e+16", "4341c37937e08000"),
    ("123456789.12345679", "419d6f34547e6b75"),
    ("1e+22", "4480f0cf064dd592"),
    ("1e+23", "44b52d02c7e14af6"),
    ("5.684341886080802e-14", "3d30000000000000"),
    ("9.5367431640625e-07", "3eb0000000000000"),
    ("5e-324", "0000000000000001"),
    ("1e-323", "0000000000000002"),
    ("2.225073858507201e-308", "000fffffffffffff"),
    ("2.2250738585072014e-308", "0010000000000000"),
    ("1.7976931348623157e+308", "7fefffffffffffff"),
)


def test_read_to_the_bit() -> None:
    for text, bits in DOUBLES:
        assert struct.pack(">d", read_float(text)).hex() == bits, text


def test_write_the_shortest() -> None:
    for text, _ in DOUBLES:
        assert write_float(read_float(text)) == text, text


def test_random_doubles_survive() -> None:
    state = 1
    for _ in range(300):
        # Knuth's MMIX generator, since both interpreters are to see the same numbers.
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        number = struct.unpack(">d", state.to_bytes(8, "big"))[0]
        if -float("inf") < number < float("inf"):
            text = write_float(number)
            assert len(text) <= 24, text
            assert struct.pack(">d", read_float(text)) == state.to_bytes(8, "big"), text


def test_too_large_is_infinite() -> None:
    for text in ("1.7976931348623159e308", "1e309", "1e99999999999999999999", "9" * 60 + "e250"):
        assert read_float(text) == float("inf"), text
        assert read_float("-" + text) == -float("inf"), text


def test_too_small_is_zero() -> None:
    for text in ("2.4703282292062327e-324", "1e-325", "1e-99999999999999999999", "0e999999999"):
        assert read_float(text) == 0, text
