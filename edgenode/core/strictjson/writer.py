"""JSON written in plain Python, for MicroPython.

`scanner` gives the same bytes on CPython, faster.
"""

from edgenode.core.strictjson.floats import write_float
from edgenode.core.strictjson.limits import INFINITY, MAX_ENCODE_DEPTH, MAX_INTEGER

_SHORT_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}


def encode(value: object) -> bytes:
    """Do what the package's `encode` promises."""
    pieces: list[str] = []
    _write(value, pieces, MAX_ENCODE_DEPTH)
    return "".join(pieces).encode()


def _write(  # noqa: PLR0912 - a branch for each type of JSON
    value: object, pieces: "list[str]", depth: int
) -> None:
    if depth < 0:
        raise ValueError("JSON to write is nested too deep")
    if value is None:
        pieces.append("null")
    elif value is True or value is False:
        pieces.append("true" if value else "false")
    elif isinstance(value, str):
        pieces.append(_quoted(value))
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise ValueError("an integer outside +-(2**53-1)")
        pieces.append(str(value))
    elif isinstance(value, float):
        if not -INFINITY < value < INFINITY:
            raise ValueError("not a finite number")
        pieces.append(write_float(value))
    elif isinstance(value, dict):
        opening = "{"
        for key in sorted(value):
            if not isinstance(key, str):
                raise TypeError("a key in JSON is a str")
            pieces.append(opening + _quoted(key) + ":")
            _write(value[key], pieces, depth - 1)
            opening = ","
        pieces.append("}" if value else "{}")
    elif isinstance(value, (list, tuple)):
        opening = "["
        for item in value:
            pieces.append(opening)
            _write(item, pieces, depth - 1)
            opening = ","
        pieces.append("]" if value else "[]")
    else:
        raise TypeError("not a type of JSON: " + type(value).__name__)


def _quoted(text: str) -> str:
    # Whole texts are replaced, not characters gathered: a list of those costs eight times the text
    # in one piece, which a small heap does not have.
    escaped = []
    for character in text:
        if "\ud800" <= character <= "\udfff":
            raise ValueError("half a surrogate pair in a text to write")
        if (character < " " or character in _SHORT_ESCAPES) and character not in escaped:
            escaped.append(character)
    escaped.sort(reverse=True)  # The backslash first: the others are written with one.
    for character in escaped:
        text = text.replace(character, _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04x}")
    return '"' + text + '"'
