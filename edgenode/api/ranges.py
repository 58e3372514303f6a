"""Conditions and ranges of a read (RFC 9110, 13 and 14), for a block whose ETag is its id."""

import re

from aiohttp import web

from edgenode.api.problems import Problem

_BYTES = re.compile(r"bytes=[ \t]*(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))[ \t]*", re.I)
"""One range. 19 digits are below 2^63; more is no size of a file and is ignored."""


def is_unchanged(request: web.Request, block_id: str) -> bool:
    """Tell whether the caller already has the block, so that 304 is the answer.

    Raises Problem `precondition-failed` when If-Match names other blocks only.
    """
    required = request.if_match
    if required is not None and not any(
        tag.value in ("*", block_id) and not tag.is_weak for tag in required
    ):
        raise Problem("precondition-failed")
    known = request.if_none_match
    return known is not None and any(tag.value in ("*", block_id) for tag in known)


def requested_range(request: web.Request, block_id: str, size: int) -> tuple[int, int] | None:
    """Return (offset, length) of the part that is asked for, or None for the whole block.

    A list of ranges, another unit and what is malformed are ignored, as is a range whose If-Range
    names something else. Raises Problem `range-not-satisfiable` for a range without a byte.
    """
    header = request.headers.get("Range")
    if header is None or request.headers.get("If-Range", f'"{block_id}"') != f'"{block_id}"':
        return None
    match = _BYTES.fullmatch(header.strip())
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        offset, end = max(0, size - int(suffix)), size
    else:
        offset, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < offset:
            return None
    if offset >= end:
        raise Problem("range-not-satisfiable", headers={"Content-Range": f"bytes */{size}"})
    return offset, end - offset
