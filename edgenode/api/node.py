"""Reads of the node's own state."""

import zlib
from functools import cache
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.answers import json_answer
from edgenode.api.ports import Snapshot

OPENAPI_PATH = Path(__file__).with_name("openapi.json")


def state_answer(snapshot: Snapshot) -> Handler:
    """Return a handler that answers with what `snapshot` gives."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return json_answer(snapshot())

    return answer


def description_answer() -> Handler:
    """Return a handler that answers with the OpenAPI description, which is read now."""
    description = _compressed_description()
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=zlib.decompress(description), headers=headers)

    return answer


@cache
def _compressed_description() -> bytes:
    """Return it in a tenth of the memory, once for both listeners; it is seldom asked for."""
    return zlib.compress(OPENAPI_PATH.read_bytes(), zlib.Z_BEST_SPEED)
