"""Reads of the node's own state."""

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
    """Return a handler that answers with the OpenAPI description, which it reads now."""
    description = OPENAPI_PATH.read_bytes()
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=description, headers=headers)

    return answer
