"""Exact decimal text to double and back, in integers; the results are those of CPython.

MicroPython's own `float()` and `repr()` are off in the last digits, so that a number would change
on its way through a node. Both cost a few big-integer operations; numbers with a fraction are rare.
"""

import math

# A double is an integer below 2**53 times a power of two, whose exponent is at least -1074.
_MANTISSA_BITS = 53
_MIN_EXPONENT = -1074
_MAX_EXPONENT = 971

# The largest double is 1.8e308, the smallest 4.9e-324: what lies beyond these powers of ten needs
# no computing, and none of the numbers computed with gets long.
_MAX_POWER = 309
_MIN_POWER = -325

# So many decimal digits tell any two doubles apart.
_MAX_DIGITS = 17

# From here on repr() uses an exponent.
_MIN_PLAIN_POWER = -4
_MAX_PLAIN_POWER = 16


def read_float(text: str) -> float:
    """Give the double nearest to a JSON number (ties to even); infinite where it is too large."""
    mantissa, _, power = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    negative = whole.startswith("-")
    digits = (whole[1:] if negative else whole) + fraction
    size = _nearest(int(digits), int(power or "0") - len(fraction))
    return -size if negative else size


def write_float(value: float) -> str:
    """Give the shortest text that reads as this finite double, as `repr` does on CPython."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if value == 0:
        return sign + "0.0"
    digits, power = _shortest(abs(value))
    if not _MIN_PLAIN_POWER <= power < _MAX_PLAIN_POWER:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if power < 0:
        return sign + "0." + "0" * (-1 - power) + digits
    whole = digits + "0" * (power + 1 - len(digits))
    return sign + whole[: power + 1] + "." + (whole[power + 1 :] or "0")


def _bits(number: int) -> int:
    return len(bin(number)) - 2


def _nearest(number: int, power: int) -> float:
    """Give the double nearest to number * 10**power; the number is not negative."""
    length = len(str(number))
    if number == 0 or length + power < _MIN_POWER:
        return 0.0
    if length + power > _MAX_POWER:
        return float("inf")
    over, under = (number * 10**power, 1) if power >= 0 else (number, 10**-power)
    exponent = max(_bits(over) - _bits(under) - _MANTISSA_BITS, _MIN_EXPONENT)
    mantissa = _divide(over, under, exponent)
    if _bits(mantissa) > _MANTISSA_BITS:
        # The estimate was one too low; or rounding went up to a power of two, where no bit is lost.
        exponent += 1
        mantissa = _divide(over, under, exponent)
    if exponent > _MAX_EXPONENT or (exponent == _MAX_EXPONENT and _bits(mantissa) > _MANTISSA_BITS):
        return float("inf")
    return math.ldexp(float(mantissa), exponent)


def _divide(over: int, under: int, exponent: int) -> int:
    """Give over / (under * 2**exponent), rounded to the nearest integer, ties to even."""
    if exponent >= 0:
        under <<= exponent
    else:
        over <<= -exponent
    quotient, rest = divmod(over, under)
    if 2 * rest > under or (2 * rest == under and quotient & 1):
        quotient += 1
    return quotient


def _shortest(value: float) -> "tuple[str, int]":
    """Give the fewest digits that read as this positive double, and the power of the first one.

    Of several the nearest, as in Gay's "Correctly Rounded Binary-Decimal and Decimal-Binary
    Conversions" (1990), mode 0.
    """
    fraction, exponent = math.frexp(value)
    over, under = int(math.ldexp(fraction, _MANTISSA_BITS)), 1
    exponent -= _MANTISSA_BITS
    if exponent >= 0:
        over <<= exponent
    else:
        under <<= -exponent
    # One too high or low at worst, where log10 is next to an integer.
    power = math.floor(math.log10(value)) + 1
    while _scaled(over, under, -power)[0] == 0:
        power -= 1
    for count in range(1, _MAX_DIGITS + 1):
        shift = count - 1 - power
        quotient, rest, divisor = _scaled(over, under, shift)
        down = 2 * rest < divisor or (2 * rest == divisor and quotient % 2 == 0)
        for candidate in (quotient, quotient + 1) if down else (quotient + 1, quotient):
            if _nearest(candidate, -shift) == value:
                digits = str(candidate)
                return digits.rstrip("0"), power + len(digits) - count
    raise AssertionError("17 digits tell any two doubles apart")


def _scaled(over: int, under: int, shift: int) -> "tuple[int, int, int]":
    """Divide over * 10**shift by under: quotient, rest and the divisor of the rest."""
    if shift >= 0:
        over *= 10**shift
    else:
        under *= 10**-shift
    quotient, rest = divmod(over, under)
    return quotient, rest, under
