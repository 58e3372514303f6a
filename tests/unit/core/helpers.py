"""What the core tests share; runs under MicroPython."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    E = TypeVar("E", bound=BaseException)


def raises(
    expected: "type[E]", call: "Callable[..., object]", *args: object, **named: object
) -> "E":
    """Call and return the `expected` exception that it must raise; any other one passes through."""
    try:
        call(*args, **named)
    except expected as error:
        return error
    raise AssertionError("no " + expected.__name__ + " was raised")


def same(one: object, other: object) -> bool:
    """Compare decoded values with their types; 1, 1.0 and True differ, as do 0.0 and -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one) == sorted(other)
        return keys and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other))  # noqa: B905
    if isinstance(one, float):
        return repr(one) == repr(other) and one == other
    return one == other
