"""Sending a block: headers, the part that is asked for, and the bytes in constant memory."""

import asyncio
import os
from io import FileIO
from pathlib import Path

from aiohttp import web

from edgenode.api.pagecache import is_cached, read_in
from edgenode.api.ports import HeldBlock
from edgenode.api.problems import Problem
from edgenode.api.ranges import is_unchanged, requested_range
from edgenode.core.counters import Counters
from edgenode.core.errors import StoreFailed

IN_MEMORY_BYTES = 64 * 1024
"""Up to here one read and one write are faster than `sendfile` [measured: four times]."""

PIECE_BYTES = 64 * 1024
"""Read at a time where the file system cannot hand a file to a connection."""

SLICE_BYTES = 1024 * 1024
SLICE_SECONDS = 120.0
"""A reader must take a slice in this time (70 kbit/s), so that none holds a file open for ever."""


def block_headers(block_id: str) -> dict[str, str]:
    """Return the headers of a block: bytes of anyone's making, which a browser must never run."""
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
        "ETag": f'"{block_id}"',
        "Cache-Control": "public, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
    }


async def send_block(
    request: web.Request, held: HeldBlock, counters: Counters
) -> web.StreamResponse:
    """Answer a GET or HEAD of a held block.

    Raises Problem, and ConnectionError when the answer was cut short.
    """
    headers = block_headers(held.block_id)
    if is_unchanged(request, held.block_id):
        return web.Response(status=304, headers=headers)
    # Range is defined for GET only (RFC 9110, 14.2).
    part = None
    if request.method == "GET":
        part = requested_range(request, held.block_id, held.size)
    offset, length = part or (0, held.size)
    status = 200
    if part is not None:
        status = 206
        headers["Content-Range"] = f"bytes {offset}-{offset + length - 1}/{held.size}"
    if request.method == "HEAD":
        headers["Content-Length"] = str(held.size)
        return web.Response(status=status, headers=headers)
    if held.data is not None:
        body = held.data if part is None else held.data[offset : offset + length]
        return web.Response(status=status, headers=headers, body=body)
    try:
        if length <= IN_MEMORY_BYTES:
            body = await asyncio.to_thread(_read, held.path, offset, length)
            return web.Response(status=status, headers=headers, body=body)
        file = _at_hand(held) or await _open(held.path)
    except FileNotFoundError:  # deleted since it was looked up
        raise Problem("block-not-held") from None
    with file:
        headers["Content-Length"] = str(length)
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        await _send_file(request, response, file, offset, length, counters)
        await response.write_eof()
    return response


async def _send_file(
    request: web.Request,
    response: web.StreamResponse,
    file: FileIO,
    offset: int,
    length: int,
    counters: Counters,
) -> None:
    end = offset + length
    while offset < end:
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the reader is gone")
        size = min(SLICE_BYTES, end - offset)
        if not is_cached(file.fileno(), offset, size):
            await asyncio.to_thread(read_in, file.fileno(), offset, size)
        sent = _send_at_once(transport, file, offset, size)
        if sent == 0:
            try:
                async with asyncio.timeout(SLICE_SECONDS):
                    sent = await _send_slice(transport, response, file, offset, size)
            except (OSError, TimeoutError) as error:
                transport.abort()
                raise ConnectionResetError("the reader is gone or too slow") from error
        elif sent < end - offset:
            await asyncio.sleep(0)  # a reader who takes all at once is not to keep the loop
        if sent == 0:
            transport.abort()
            raise ConnectionResetError("the file of the block became shorter")
        offset += sent
        counters.bytes_out += sent


def _send_at_once(transport: asyncio.WriteTransport, file: FileIO, offset: int, size: int) -> int:
    """Return how many bytes the connection took without being waited for.

    0 says nothing: an error, too, is found by sending in the loop's own way. The connection has
    no TLS, so what is in the file can go past the transport as long as that holds nothing back.
    """
    if transport.get_write_buffer_size():
        return 0
    try:
        return os.sendfile(transport.get_extra_info("socket").fileno(), file.fileno(), offset, size)
    except OSError:
        return 0


async def _send_slice(
    transport: asyncio.WriteTransport,
    response: web.StreamResponse,
    file: FileIO,
    offset: int,
    size: int,
) -> int:
    loop = asyncio.get_running_loop()
    try:
        # No fallback of the loop's: it moves the position, which an open file shares with others.
        return await loop.sendfile(transport, file, offset, size, fallback=False)
    except asyncio.SendfileNotAvailableError:
        data = await asyncio.to_thread(os.pread, file.fileno(), min(size, PIECE_BYTES), offset)
        await response.write(data)
        return len(data)


def _at_hand(held: HeldBlock) -> FileIO | None:
    fd = None if held.file is None else held.file.duplicate()
    return None if fd is None else FileIO(fd)


def _read(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        data = os.pread(file.fileno(), length, offset)
    if len(data) != length:
        raise StoreFailed("the file of the block became shorter")
    return data


async def _open(path: Path) -> FileIO:
    """Open a file in a thread; it is closed if the wait for it is cancelled."""
    opening = asyncio.ensure_future(asyncio.to_thread(path.open, "rb", buffering=0))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_opened)
        raise


def _close_opened(opening: "asyncio.Future[FileIO]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
