"""A strict, bounded pull scanner for the XML that gateways send: descriptions and SOAP.

It knows elements, text, comments, CDATA, the five entities and character references. A document
type is refused at once, and with it all other entities. Names lose their prefix, since gateways
mix up namespaces; attributes are read over. Its time is linear in the length of the document.
"""

import re
from collections.abc import Iterator

# Longer and deeper than any description of an Internet gateway that is known, by far.
MAX_BYTES = 64 * 1024
MAX_DEPTH = 24
MAX_ELEMENTS = 4096

START, TEXT, END = 0, 1, 2

_TAG = re.compile(r"(/?)([A-Za-z_][A-Za-z0-9_.\-]*(?::[A-Za-z_][A-Za-z0-9_.\-]*)?)")
_QUOTE_OR_END = re.compile(r"[\"'<>]")
_REFERENCE = re.compile(r"&([^;&]{0,10})(;?)")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NO_TAG = ("<?", "<!--", "<![CDATA[")
_SPACE, _LAST_BEFORE_SURROGATES = 0x20, 0xD7FF


class BadXml(Exception):
    """A document that is not well-formed, or uses what is not understood here."""


def scan(document: bytes) -> Iterator[tuple[int, str]]:
    """Give (START, name), (TEXT, characters) and (END, name) in their order.

    Text comes as it stands in the document, for `unescape`, and not at all where it is empty.
    White space, or a byte order mark, before the document is no fault. Raises `BadXml`.
    """
    if len(document) > MAX_BYTES:
        raise BadXml("longer than any description")
    # Names of models are Latin-1 at times; what is used of a document is ASCII.
    text = document.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if "\0" in text:
        raise BadXml("a zero byte")
    return _events(text.rstrip())


def _events(text: str) -> Iterator[tuple[int, str]]:
    within: list[str] = []
    elements = at = 0
    while at < len(text):
        characters, at = _characters(text, at)
        if within:
            if characters:
                yield TEXT, characters
        elif characters.strip():
            raise BadXml("text outside the document's element")
        if at == len(text) or text[at] != "<" or text.startswith(_NO_TAG, at):
            continue
        name, closes, empty, at = _tag(text, at)
        if closes:
            if not within or within.pop() != name:
                raise BadXml(f"</{name}> closes what is not open")
            yield END, name
            continue
        elements += 1
        if elements > MAX_ELEMENTS or len(within) >= MAX_DEPTH:
            raise BadXml("more elements than any description")
        if elements > 1 and not within:
            raise BadXml("a second document")
        yield START, name
        if empty:
            yield END, name
        else:
            within.append(name)
    if within or not elements:
        raise BadXml("it ends too early")


def _characters(text: str, at: int) -> tuple[str, int]:
    """Read text, a CDATA section, or what says nothing, from `at`: it, and where it ends."""
    if text[at] != "<":
        upto = text.find("<", at)
        upto = len(text) if upto < 0 else upto
        return text[at:upto], upto
    if text.startswith("<![CDATA[", at):
        upto = _after(text, "]]>", at)
        return text[at + 9 : upto - 3].replace("&", "&amp;"), upto
    if text.startswith("<!--", at):
        return "", _after(text, "-->", at + 4)
    return "", _after(text, "?>", at) if text.startswith("<?", at) else at


def _tag(text: str, at: int) -> tuple[str, bool, bool, int]:
    """Read the tag at `at`: its name, whether it closes, whether it is empty, where it ends."""
    found = _TAG.match(text, at + 1)
    if found is None:
        raise BadXml("a document type, or no tag")
    upto = found.end()
    quote = ""
    while True:
        stop = _QUOTE_OR_END.search(text, upto)
        if stop is None or (stop.group() == "<" and not quote):
            raise BadXml("a tag without an end")
        upto = stop.end()
        if not quote and stop.group() == ">":
            break
        if not quote:
            quote = stop.group()
        elif stop.group() == quote:
            quote = ""
    rest = text[found.end() : upto - 1]
    empty = rest.endswith("/")
    if rest and not rest[0].isspace() and rest != "/":
        raise BadXml("a name of strange characters")
    closes = bool(found.group(1))
    if closes and rest.strip():
        raise BadXml("an end tag with more than a name")
    return found.group(2).rpartition(":")[2], closes, empty, upto


def _after(text: str, mark: str, start: int) -> int:
    at = text.find(mark, start)
    if at < 0:
        raise BadXml(f"{mark} is missing")
    return at + len(mark)


def unescape(text: str) -> str:
    """Resolve the references in `text`, without white space around it; raises `BadXml`."""
    return _REFERENCE.sub(_resolve, text.strip()) if "&" in text else text.strip()


def _resolve(found: re.Match[str]) -> str:
    name, semicolon = found.groups()
    if semicolon and name in _ENTITIES:
        return _ENTITIES[name]
    digits = name[1:]
    base = 10
    if digits[:1] == "x":
        digits, base = digits[1:], 16
    if semicolon and name[:1] == "#" and digits.isascii() and digits.isalnum():
        try:
            code = int(digits, base)
        except ValueError:
            code = 0
        if _SPACE <= code <= _LAST_BEFORE_SURROGATES:
            return chr(code)
    raise BadXml("an entity that is none of the five")


def escape(text: str) -> str:
    """Make `text` fit between two tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
