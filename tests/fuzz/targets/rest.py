"""What stands in requests: heads, chunks, hosts, origins, ranges, cursors, rooms, tokens."""

import asyncio

from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict, CIMultiDictProxy

from edgenode.api.access import allowed_names, bearer, is_allowed_host, is_same_origin
from edgenode.api.addresses import is_host, is_local, packed_address
from edgenode.api.blocks import path_block_id
from edgenode.api.chunks import Chunks
from edgenode.api.eventring import EventRing, Kept
from edgenode.api.eventrooms import MAX_ROOMS, check_room
from edgenode.api.eventviewer import Viewer
from edgenode.api.heads import END, Refused, body_after
from edgenode.api.problems import CATALOGUE, Problem
from edgenode.api.ranges import is_unchanged, requested_range
from edgenode.core.errors import DecodeError
from edgenode.core.ids import is_block_id
from tests.fuzz.engine import Target
from tests.fuzz.mutation import STEP

SIZE = 1000
BLOCK = "cd" * 64
NAMES = allowed_names(["pi.example"])


def head(data: bytes) -> str:
    """A head is refused with a problem that exists, or tells one length."""
    try:
        found = body_after(data[: data.find(END) + len(END)] if END in data else data + END)
    except Refused as refused:
        assert refused.code in CATALOGUE
        return refused.code
    assert found.length >= 0 and not (found.length and found.chunked)
    return str(found.chunked)


def chunks(data: bytes) -> str:
    """Where a body ends does not depend on the pieces in which it comes."""
    whole = Chunks()
    taken = whole.take(data)
    assert 0 <= taken <= len(data)
    pieces = Chunks()
    at = 0
    step = 1 + len(data) // 7
    while at < len(data) and not pieces.ended:
        piece = data[at : at + step]
        took = pieces.take(piece)
        at += took
        if took < len(piece):
            break
    assert (at, pieces.ended) == (taken, whole.ended)
    return f"{whole.ended} {taken == len(data)}"


def host(data: bytes) -> str:
    """A host that is taken is an address or one of the names."""
    text = data.decode("latin-1")
    is_local(text)
    is_host(text)
    packed_address(text)
    taken = is_allowed_host(text, NAMES)
    if taken and packed_address(text) is None and not text.startswith("["):
        name = text.rpartition(":")[0] or text
        assert packed_address(name) or name.lower().rstrip(".:") in NAMES, text
    same = is_same_origin(text, "10.0.0.1:4280")
    assert not same or text.lower().endswith("://10.0.0.1:4280")
    return f"{taken} {same}"


def headers(data: bytes) -> str:
    """A part that is asked for lies within the block."""
    lines = data.decode("latin-1").split("\n")
    given = CIMultiDict(
        (name, value)
        for name, value in zip(
            ("Range", "If-Range", "If-Match", "If-None-Match", "Authorization"), lines, strict=False
        )
        if value
    )
    request = _REQUEST
    request._headers = CIMultiDictProxy(given)
    request._cache.clear()  # as a request does that has just come, only sooner
    bearer(request)
    try:
        unchanged = is_unchanged(request, BLOCK)
        part = requested_range(request, BLOCK, SIZE)
    except Problem as problem:
        return problem.code
    if part is not None:
        assert 0 <= part[0] < SIZE and 0 < part[1] <= SIZE - part[0]
    return f"{unchanged} {part is None}"


def path(data: bytes) -> str:
    """An id in a path is one, however it is quoted."""
    _MATCHED["block_id"] = data.decode("utf-8", "surrogateescape")
    try:
        assert is_block_id(path_block_id(_REQUEST))
    except Problem as problem:
        return problem.code
    return "id"


def cursor(data: bytes) -> str:
    """Every cursor gives what is there, and whether more is missing."""
    events, missed = _RING.since(data.decode("utf-8", "replace"))
    assert len(events) <= 3
    return f"{len(events)} {missed}"


def rooms(data: bytes) -> str:
    """A viewer is in rooms that exist, and in few."""
    viewer = _VIEWER
    viewer.rooms = frozenset(("all",))
    for step in data.split(STEP):
        viewer.hear(step)
        assert len(viewer.rooms) <= MAX_ROOMS
        for room in viewer.rooms:
            check_room(room)
    return str(len(viewer.rooms))


async def _viewer() -> Viewer:
    return Viewer(frozenset())


_LOOP = asyncio.new_event_loop()
_REQUEST = make_mocked_request("GET", "/", loop=_LOOP)
_MATCHED = _REQUEST.match_info
_VIEWER = _LOOP.run_until_complete(_viewer())
_LOOP.close()
_RING = EventRing("0a0b")
for _number in range(1, 4):
    _RING.add(Kept(_number, b"{}", frozenset(("all",))))

_HEADS = [
    b"GET /blocks/ab HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
]
_HEAD_WORDS = (b"\r\n", b"\n", b"\r", b"Content-Length: 5\r\n", b"Transfer-Encoding: x\r\n", b" ")
_JOIN = b'{"type":"room:join","data":{"rooms":["type:a","block:' + BLOCK.encode() + b'"]}}'
_RANGES = [
    b'bytes=0-9\n"' + BLOCK.encode() + b'"',
    b'bytes=-5\n\n*\n"a", W/"b"\nBearer abc',
    b"bytes=5-",
]

TARGETS = (
    Target("request-head", head, (), lambda: _HEADS, _HEAD_WORDS),
    Target(
        "chunks", chunks, (), lambda: [b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\nGET /"], (b"\r\n", b"0")
    ),
    Target("host", host, (), lambda: [b"pi.local:4280", b"[fe80::1%1]:1", b"http://10.0.0.1:4280"]),
    Target(
        "request-headers",
        headers,
        (),
        lambda: _RANGES,
        (b"bytes=", b"-", b'"', b"W/", b"9" * 19),
        1,
    ),
    Target("path-id", path, (), lambda: [BLOCK.encode(), b"../" * 42 + b"aa"], weight=1),
    Target("cursor", cursor, (), lambda: [b"0a0b.2", b"0a0b.0", b""], (b".", b"\xd9\xa3")),
    Target(
        "viewer", rooms, (DecodeError,), lambda: [_JOIN + STEP + _JOIN.replace(b"join", b"leave")]
    ),
)
