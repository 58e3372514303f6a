"""Typed reading of the fields of a decoded JSON object; errors name the path to the field.

What is asked for is checked strictly: `true` is not an integer, a text is no longer than the
protocol allows. Fields that nobody asks for are ignored, so that later versions can add some.
"""

from edgenode.core.errors import DecodeError
from edgenode.core.ids import is_block_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    D = TypeVar("D")

# Stands for "no default": the field has to be there.
_REQUIRED: "Any" = object()


class Fields:
    """The fields of one object.

    Each method takes the field's name and its bounds. A field that is absent or null gives
    `default`, without one it is an error like any wrong type or value: DecodeError.
    """

    __slots__ = ("_members", "_path")

    def __init__(self, value: object, path: str) -> None:
        """Take a decoded value, and the name under which errors speak of it."""
        if not isinstance(value, dict):
            raise DecodeError(path + ": expected an object")
        self._members = value
        self._path = path

    def text(self, name: str, max_chars: int, default: "str | D" = _REQUIRED) -> "str | D":
        """Give a text of at most `max_chars` characters; it may be empty."""
        value = self._members.get(name)
        if value is None:
            return self._absent(name, "a text", default)
        return self._checked_text(name, value, max_chars)

    def text_bytes(self, name: str, max_bytes: int) -> str:
        """Give a text of at most `max_bytes` bytes of UTF-8."""
        value = self.text(name, max_bytes)
        if len(value.encode()) > max_bytes:
            raise self._error(name, f"more than {max_bytes} bytes")
        return value

    def one_of(self, name: str, choices: "tuple[str, ...]") -> str:
        """Give a text that is one of `choices`."""
        value = self._members.get(name)
        if value not in choices:
            raise self._error(name, "expected one of " + ", ".join(choices))
        assert isinstance(value, str)
        return value

    def block_id(self, name: str) -> str:
        """Give a text of the form of a block id."""
        value = self._members.get(name)
        if not is_block_id(value):
            raise self._error(name, "expected a block id")
        assert isinstance(value, str)
        return value

    def texts(
        self, name: str, max_items: int, max_chars: int, default: "list[str] | D" = _REQUIRED
    ) -> "list[str] | D":
        """Give an array of at most `max_items` texts of at most `max_chars` characters each."""
        value = self._members.get(name)
        if value is None:
            return self._absent(name, "an array", default)
        return [
            self._checked_text(f"{name}[{index}]", item, max_chars)
            for index, item in enumerate(self._checked_list(name, value, max_items))
        ]

    def integer(self, name: str, low: int, high: int, default: "int | D" = _REQUIRED) -> "int | D":
        """Give an integer of `low` to `high`, both included; neither 1.0 nor true is one."""
        value = self._members.get(name)
        if value is None:
            return self._absent(name, "an integer", default)
        # Not isinstance: on CPython, not on MicroPython, True would pass.
        if type(value) is not int:
            raise self._error(name, "expected an integer")
        if not low <= value <= high:
            raise self._error(name, f"{value} is not in {low} to {high}")
        return value

    def boolean(self, name: str, default: "bool | D" = _REQUIRED) -> "bool | D":
        """Give true or false."""
        value = self._members.get(name)
        if value is None:
            return self._absent(name, "true or false", default)
        if value is not True and value is not False:
            raise self._error(name, "expected true or false")
        return bool(value)

    def hex_bytes(self, name: str, length: int, default: "bytes | D" = _REQUIRED) -> "bytes | D":
        """Give the `length` bytes of a text of lowercase hex digits."""
        value = self._members.get(name)
        if value is None:
            return self._absent(name, "hex digits", default)
        return self._checked_hex(name, value, length)

    def hexes(self, name: str, max_items: int, length: int) -> "list[bytes]":
        """Give an array of at most `max_items` texts of hex digits, `length` bytes each."""
        return [
            self._checked_hex(f"{name}[{index}]", item, length)
            for index, item in enumerate(self._array(name, max_items))
        ]

    def section(self, name: str) -> "Fields":
        """Give the object in this field."""
        return Fields(self._members.get(name), self._path + "." + name)

    def optional_section(self, name: str) -> "Fields | None":
        """Give the object in this field, None where it is absent or null."""
        return None if self._members.get(name) is None else self.section(name)

    def items(
        self, name: str, max_items: int, default: "list[Fields] | D" = _REQUIRED
    ) -> "list[Fields] | D":
        """Give an array of at most `max_items` objects."""
        if default is not _REQUIRED and self._members.get(name) is None:
            return default
        path = self._path + "." + name
        return [
            Fields(item, f"{path}[{index}]")
            for index, item in enumerate(self._array(name, max_items))
        ]

    def rows(self, name: str, max_items: int, columns: "tuple[str, ...]") -> "list[Fields]":
        """Give an array of at most `max_items` arrays, each with a value for each column."""
        path = self._path + "." + name
        rows = []
        for index, item in enumerate(self._array(name, max_items)):
            if not isinstance(item, list) or len(item) != len(columns):
                raise self._error(f"{name}[{index}]", f"expected an array of {len(columns)}")
            rows.append(Fields(dict(zip(columns, item)), f"{path}[{index}]"))
        return rows

    def text_map(
        self, name: str, max_items: int, max_key_chars: int, max_chars: int
    ) -> "dict[str, str]":
        """Give an object of at most `max_items` texts, under keys of its own; {} if absent."""
        value = self._members.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._error(name, "expected an object")
        if len(value) > max_items:
            raise self._error(name, f"more than {max_items} items")
        for key in value:
            if len(key) > max_key_chars:
                raise self._error(name, f"a key of more than {max_key_chars} characters")
            self._checked_text(f"{name}[{key!r}]", value[key], max_chars)
        return value

    def _array(self, name: str, max_items: int) -> "list[object]":
        value = self._members.get(name)
        if value is None:
            raise self._error(name, "expected an array, which is missing")
        return self._checked_list(name, value, max_items)

    def _checked_hex(self, name: str, value: object, length: int) -> bytes:
        if isinstance(value, str) and len(value) == 2 * length:
            try:
                data = bytes.fromhex(value)
            except ValueError:
                data = b""
            # fromhex() would take capitals, and on CPython spaces.
            if data.hex() == value:
                return data
        raise self._error(name, f"expected {2 * length} lowercase hex digits")

    def _checked_text(self, name: str, value: object, max_chars: int) -> str:
        if not isinstance(value, str):
            raise self._error(name, "expected a text")
        if len(value) > max_chars:
            raise self._error(name, f"more than {max_chars} characters")
        return value

    def _checked_list(self, name: str, value: object, max_items: int) -> "list[object]":
        if not isinstance(value, list):
            raise self._error(name, "expected an array")
        if len(value) > max_items:
            raise self._error(name, f"more than {max_items} items")
        return value

    def _absent(self, name: str, kind: str, default: "D") -> "D":
        if default is _REQUIRED:
            raise self._error(name, f"expected {kind}, which is missing")
        return default

    def _error(self, name: str, what: str) -> DecodeError:
        return DecodeError(f"{self._path}.{name}: {what}")
