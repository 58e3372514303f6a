"""Receiving a body: what can be refused before it, and its bytes in constant memory."""

import asyncio
from collections.abc import AsyncGenerator

from aiohttp import HttpVersion11, web
from aiohttp.http import HttpProcessingError

from edgenode.api.problems import Problem
from edgenode.core.counters import Counters

IDLE_SECONDS = 30.0
"""How long a body may stand still: as long as a home line that reconnects takes."""

RECEIVE_BYTES = 64 * 1024
"""Read from a connection at once. asyncio's own 256 KiB is four buffers of a body on its way, each
memory that the system maps and takes back."""


def check_body(request: web.Request, max_bytes: int, too_large: str) -> None:
    """Refuse by the headers alone a body that cannot be taken; raises Problem.

    `too_large` is the problem of a length above `max_bytes`.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem("unsupported-encoding")
    if "Content-Range" in request.headers:  # a partial PUT, RFC 9110, 14.4
        raise Problem("bad-request", "A body is sent whole")
    expectation = request.headers.get("Expect")
    if expectation is not None and expectation.lower() != "100-continue":
        raise Problem("expectation-failed")
    if request.content_length is not None and request.content_length > max_bytes:
        raise Problem(too_large)


async def read_body(request: web.Request, counters: Counters) -> AsyncGenerator[bytes, None]:
    """Give the body as it arrives, asking for it first if the caller waits for that.

    Raises Problem `body-timeout` after `IDLE_SECONDS` without a byte, `bad-request` for a body
    whose framing is broken, and ConnectionError if the caller is gone.
    """
    if "Expect" in request.headers and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the response itself has not begun
    if isinstance(transport := request.transport, asyncio.Transport):
        _receive_in_pieces(transport)
    received = 0
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                chunk = await request.content.readany()
        except TimeoutError:
            raise Problem("body-timeout") from None
        except (web.RequestPayloadError, HttpProcessingError):
            raise Problem("bad-request", "The body is malformed") from None
        if not chunk:
            break
        received += len(chunk)
        counters.bytes_in += len(chunk)
        yield chunk
    if request.content_length not in (None, received):
        raise ConnectionResetError("the body was cut short")


def _receive_in_pieces(transport: asyncio.Transport) -> None:
    """Read a connection in pieces of RECEIVE_BYTES, which asyncio lets be set by attribute only."""
    if hasattr(transport, "max_size"):
        transport.max_size = RECEIVE_BYTES
