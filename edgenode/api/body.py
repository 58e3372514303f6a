"""Bodies of JSON: bounded, strictly decoded, and refused with the path to what is wrong."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.problems import Problem
from edgenode.api.upload import check_body, read_body
from edgenode.core.counters import Counters
from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.strictjson import decode

ROOT = "body"
"""What errors call the object that the body is."""

Act = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]
"""Handles a request whose body was the JSON object given."""


def takes_json(max_bytes: int, counters: Counters, act: Act) -> Handler:
    """Return the handler that reads an object of at most `max_bytes` and hands it to `act`.

    A DecodeError, of `act` too, is Problem `bad-body`. The Content-Type is not looked at: no path
    takes a body in more than one form, and the token keeps pages of other origins out.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        check_body(request, max_bytes, "body-too-large")
        data = await _read(request, max_bytes, counters)
        try:
            value: Any = decode(data, max_bytes=max_bytes)
            Fields(value, ROOT)  # takes nothing but an object
            return await act(request, value)
        except DecodeError as error:
            raise Problem("bad-body", str(error)) from None

    return handle


async def _read(request: web.Request, max_bytes: int, counters: Counters) -> bytes:
    data = bytearray()
    async with aclosing(read_body(request, counters)) as body:
        async for chunk in body:
            data += chunk
            if len(data) > max_bytes:
                raise Problem("body-too-large")
    return bytes(data)
