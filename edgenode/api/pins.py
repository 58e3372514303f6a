"""Pins: blocks that the operator wants this node to keep."""

from aiohttp import web

from edgenode.api.access import OperatorToken, for_operator
from edgenode.api.answers import json_answer
from edgenode.api.blocks import path_block_id
from edgenode.api.ports import Pins
from edgenode.api.problems import Problem
from edgenode.api.routes import Routes, read


def pin_routes(*, pins: Pins, operator: OperatorToken) -> Routes:
    """Return the routes of the HTTP port, all for the operator: what he keeps is his affair."""

    async def pin(request: web.Request) -> web.StreamResponse:
        if not await pins.pin(path_block_id(request)):
            raise Problem("pins-full")
        return web.Response(status=204)

    async def unpin(request: web.Request) -> web.StreamResponse:
        if not await pins.unpin(path_block_id(request)):
            raise Problem("not-pinned")
        return web.Response(status=204)

    async def list_all(_request: web.Request) -> web.StreamResponse:
        missing = set(await pins.missing())
        found = [
            {"blockId": block_id, "held": block_id not in missing} for block_id in await pins.ids()
        ]
        return json_answer({"pins": found})

    return {
        "/pins": read(for_operator(operator, list_all)),
        "/blocks/{block_id}/pin": {
            "PUT": for_operator(operator, pin),
            "DELETE": for_operator(operator, unpin),
        },
    }
