"""The head of a request (RFC 9112, 2.1), as far as it must be known before anything is made of it.

aiohttp reads it for good; here are its bounds, and how long the body is that follows. What two
readers could take for different things is refused.
"""

import re
from typing import NamedTuple

MAX_HEAD_BYTES = 8 * 1024
"""Of request line and headers together: browsers and proxies stay below a quarter of it."""

MAX_HEADERS = 32
"""Browsers send some fifteen, and a proxy adds a few."""

MAX_TARGET_BYTES = 2048
"""Of the request line; the longest path of the interface has some 300 bytes."""

END = b"\r\n\r\n"

_REQUEST_LINE = re.compile(rb"[!-~]+ [!-~]+ HTTP/1\.[01]\r\n")
"""Of another version the answer would be too."""

_ODD_UPGRADE = re.compile(
    rb"\r\n(?:upgrade|connection|sec-websocket-[a-z]+)[ \t]*:[^\r\n]*[\x80-\xff]", re.I
)
"""What is no ASCII in these: aiohttp fails at writing an answer that repeats it (3.14.5)."""

_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding)[ \t]*:[ \t]*([^\r\n]*)", re.I)
_FOLDED = re.compile(rb"\r\n[ \t]")
"""Obsolete line folding (RFC 9112, 5.2), which readers treat differently."""

_MAX_DIGITS = 16


class Refused(Exception):
    """The request cannot be taken; `code` is of the catalogue of problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Body(NamedTuple):
    """What follows a head: so many bytes, or chunks (RFC 9112, 7.1), whose end only they tell."""

    length: int
    chunked: bool


NO_BODY = Body(0, chunked=False)
CHUNKS = Body(0, chunked=True)


def begins_well(data: bytes) -> bool:
    """Tell whether what has come may become a head: it begins with a method, on lines as due."""
    return 65 <= data[0] <= 90 and b"\n\n" not in data  # noqa: PLR2004 - A to Z


def body_after(head: bytes) -> Body:
    """Return what follows `head`, which ends with the empty line. Raises Refused."""
    if not begins_well(head):
        raise Refused("bad-request")
    if head.find(b"\r\n") > MAX_TARGET_BYTES:
        raise Refused("target-too-long")
    if len(head) > MAX_HEAD_BYTES or head.count(b"\r\n") - 2 > MAX_HEADERS:
        raise Refused("headers-too-large")
    # CONNECT makes a tunnel of what follows.
    if not _REQUEST_LINE.match(head) or head.startswith(b"CONNECT ") or _FOLDED.search(head):
        raise Refused("bad-request")
    if not head.isascii() and _ODD_UPGRADE.search(head):
        raise Refused("bad-request")
    framing = _FRAMING.findall(head)
    if not framing:
        return NO_BODY
    if len(framing) > 1:
        raise Refused("bad-request")
    name, value = framing[0]
    value = value.rstrip(b" \t")
    if name[:1] in b"tT":
        if value.lower() != b"chunked":  # nothing is unpacked, so that nothing may be packed
            raise Refused("bad-request")
        return CHUNKS
    if not value.isdigit() or len(value) > _MAX_DIGITS:
        raise Refused("bad-request")
    return Body(int(value), chunked=False)
