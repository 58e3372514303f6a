"""Strict JSON in plain Python, for MicroPython, whose own reader takes malformed text.

One pass over the bytes with a stack of its own: no recursion, and nothing is built before the
bounds allow it. `scanner` gives the same results on CPython, faster.
"""

# ruff: noqa: PLR2004 - the numbers are character codes of RFC 8259 and RFC 3629.

from edgenode.core.errors import DecodeError
from edgenode.core.strictjson.floats import read_float
from edgenode.core.strictjson.limits import INFINITY, MAX_INTEGER, MAX_NUMBER_CHARS, SHOWN_CHARS

_QUOTE = 0x22
_BACKSLASH = 0x5C
_COMMA = 0x2C
_COLON = 0x3A
_OPEN_ARRAY = 0x5B
_CLOSE_ARRAY = 0x5D
_OPEN_OBJECT = 0x7B
_CLOSE_OBJECT = 0x7D
_MINUS = 0x2D
_PLUS = 0x2B
_POINT = 0x2E
_ZERO = 0x30
_NINE = 0x39

# What `_byte` gives after the last byte; less than every byte.
_END = -1

_WHITESPACE = (0x20, 0x0A, 0x0D, 0x09)
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_WORDS = {0x74: (b"true", True), 0x66: (b"false", False), 0x6E: (b"null", None)}
_ESCAPES = {
    0x22: '"',
    0x5C: "\\",
    0x2F: "/",
    0x62: "\b",
    0x66: "\f",
    0x6E: "\n",
    0x72: "\r",
    0x74: "\t",
}


def decode(data: bytes, *, max_bytes: int, max_depth: int, max_tokens: int) -> object:
    """Do what the package's `decode` promises."""
    if len(data) > max_bytes:
        raise DecodeError(f"more than {max_bytes} bytes of JSON")
    return _Reader(data, max_depth, max_tokens).document()


class _Reader:
    """One pass over the bytes: the place, what is open there, and the tokens so far."""

    __slots__ = ("_at", "_data", "_keys", "_max_depth", "_max_tokens", "_opened", "_tokens")

    def __init__(self, data: bytes, max_depth: int, max_tokens: int) -> None:
        self._data = data
        self._at = 0
        self._max_depth = max_depth
        self._max_tokens = max_tokens
        self._tokens = 1
        self._opened: list[list[object] | dict[str, object]] = []
        # For each open object, the key whose value is being read.
        self._keys: list[str] = []

    def document(self) -> object:
        """Read the one value that the bytes hold."""
        while True:
            byte = self._peek()
            if byte in (_OPEN_ARRAY, _OPEN_OBJECT):
                value: object = self._open(byte)
                if value is None:
                    continue
            else:
                value = self._scalar(byte)
            while self._opened:
                if self._place(value):
                    break
                value = self._opened.pop()
            else:
                if self._peek() != _END:
                    raise self._error("something follows the value", self._at)
                return value

    def _error(self, what: str, at: int) -> DecodeError:
        return DecodeError(f"byte {at}: {what}")

    def _byte(self, at: int) -> int:
        return self._data[at] if at < len(self._data) else _END

    def _peek(self) -> int:
        """Skip white space; give the byte that follows."""
        byte = self._byte(self._at)
        while byte in _WHITESPACE:
            self._at += 1
            byte = self._byte(self._at)
        return byte

    def _step(self) -> None:
        """Step over a byte that counts as a token."""
        self._tokens += 1
        if self._tokens > self._max_tokens:
            raise self._error(f"more than {self._max_tokens} values and keys", self._at)
        self._at += 1

    def _open(self, byte: int) -> "list[object] | dict[str, object] | None":
        """Open an array or object; give it if it is empty, else None, before its first value."""
        if len(self._opened) >= self._max_depth:
            raise self._error(f"nested deeper than {self._max_depth}", self._at)
        self._step()
        following = self._peek()
        if byte == _OPEN_ARRAY:
            array: list[object] = []
            if following == _CLOSE_ARRAY:
                self._at += 1
                return array
            self._opened.append(array)
            return None
        members: dict[str, object] = {}
        if following == _CLOSE_OBJECT:
            self._at += 1
            return members
        self._opened.append(members)
        self._keys.append(self._key(members))
        return None

    def _place(self, value: object) -> bool:
        """Put a value where it belongs; give whether another one follows there."""
        holder = self._opened[-1]
        if isinstance(holder, list):
            holder.append(value)
            end = _CLOSE_ARRAY
        else:
            holder[self._keys.pop()] = value
            end = _CLOSE_OBJECT
        byte = self._peek()
        if byte == _COMMA:
            self._step()
            if isinstance(holder, dict):
                self._keys.append(self._key(holder))
            return True
        if byte != end:
            raise self._error(f"expected ',' or '{chr(end)}'", self._at)
        self._at += 1
        return False

    def _key(self, holder: "dict[str, object]") -> str:
        if self._peek() != _QUOTE:
            raise self._error("expected a key in double quotes", self._at)
        at = self._at
        key = self._string()
        if key in holder:
            raise self._error(f"duplicate key {key[:SHOWN_CHARS]!r}", at)
        if self._peek() != _COLON:
            raise self._error("expected ':'", self._at)
        self._step()
        return key

    def _scalar(self, byte: int) -> object:
        if byte == _QUOTE:
            return self._string()
        if byte == _MINUS or _ZERO <= byte <= _NINE:
            return self._number()
        if byte in _WORDS:
            word, value = _WORDS[byte]
            if self._data[self._at : self._at + len(word)] == word:
                self._at += len(word)
                return value
        raise self._error("expected a value", self._at)

    def _digits(self, at: int) -> int:
        """Give the place after the digits, of which there is at least one, that begin at `at`."""
        start = at
        while _ZERO <= self._byte(at) <= _NINE:
            at += 1
        if at == start:
            raise self._error("expected a digit", at)
        return at

    def _number(self) -> "int | float":
        start = at = self._at
        if self._byte(at) == _MINUS:
            at += 1
        # A leading zero stands alone.
        whole = at = at + 1 if self._byte(at) == _ZERO else self._digits(at)
        if self._byte(at) == _POINT:
            at = self._digits(at + 1)
        if self._byte(at) in (0x65, 0x45):
            sign = self._byte(at + 1) in (_PLUS, _MINUS)
            at = self._digits(at + 2 if sign else at + 1)
        if at - start > MAX_NUMBER_CHARS:
            raise self._error(f"a number of more than {MAX_NUMBER_CHARS} characters", start)
        text = self._data[start:at].decode()
        self._at = at
        if at == whole:
            integer = int(text)
            if not -MAX_INTEGER <= integer <= MAX_INTEGER:
                raise self._error("an integer outside +-(2**53-1)", start)
            return integer
        number = read_float(text)
        if number in (INFINITY, -INFINITY):
            raise self._error("a number too large for a double", start)
        return number

    def _string(self) -> str:
        data = self._data
        start = at = self._at + 1
        end = data.find(b'"', start)
        chunk = data[start:end] if end >= 0 else b""
        if chunk and b"\\" not in chunk and min(chunk) >= 0x20 and max(chunk) < 0x80:
            # Printable ASCII, which most strings are, needs no look at each byte.
            self._at = end + 1
            return chunk.decode()
        # One buffer: a list of the pieces between escapes would take ten times the text.
        decoded = bytearray()
        while True:
            byte = self._byte(at)
            if byte == _QUOTE:
                decoded.extend(data[start:at])
                self._at = at + 1
                return bytes(decoded).decode()
            if byte == _BACKSLASH:
                decoded.extend(data[start:at])
                character, at = self._escape(at + 1)
                decoded.extend(character.encode())
                start = at
            elif byte >= 0x80:
                at = self._sequence(at)
            elif byte >= 0x20:
                at += 1
            elif byte == _END:
                raise self._error("a string without end", at)
            else:
                raise self._error("a control character in a string", at)

    def _escape(self, at: int) -> "tuple[str, int]":
        """Give the character of the escape whose backslash is before `at`, and the next place."""
        byte = self._byte(at)
        if byte in _ESCAPES:
            return _ESCAPES[byte], at + 1
        if byte != 0x75:
            raise self._error("an unknown escape", at - 1)
        code = self._hex4(at + 1)
        at += 5
        if 0xD800 <= code <= 0xDBFF and self._data[at : at + 2] == b"\\u":
            low = self._hex4(at + 2)
            if 0xDC00 <= low <= 0xDFFF:
                return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), at + 6
        if 0xD800 <= code <= 0xDFFF:
            raise self._error("half a surrogate pair", at - 6)
        return chr(code), at

    def _hex4(self, at: int) -> int:
        digits = self._data[at : at + 4]
        if len(digits) < 4 or not all(digit in _HEX_DIGITS for digit in digits):
            raise self._error("expected four hex digits", at)
        return int(digits.decode(), 16)

    def _sequence(self, at: int) -> int:
        """Check a UTF-8 sequence of several bytes (RFC 3629, section 4); give the next place."""
        lead = self._data[at]
        # The first and last byte that may come second: no longer form than needed, no surrogates,
        # nothing after U+10FFFF.
        low, high = 0x80, 0xBF
        if 0xC2 <= lead <= 0xDF:
            more = 1
        elif 0xE0 <= lead <= 0xEF:
            more = 2
            low, high = (0xA0 if lead == 0xE0 else low), (0x9F if lead == 0xED else high)
        elif 0xF0 <= lead <= 0xF4:
            more = 3
            low, high = (0x90 if lead == 0xF0 else low), (0x8F if lead == 0xF4 else high)
        else:
            raise self._error("not UTF-8", at)
        for place in range(at + 1, at + 1 + more):
            if not low <= self._byte(place) <= high:
                raise self._error("not UTF-8", at)
            low, high = 0x80, 0xBF
        return at + 1 + more
