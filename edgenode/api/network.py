"""The network as this node sees it, and the links that its operator wants or not."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.access import OperatorToken, for_operator
from edgenode.api.addresses import MAX_NAME_CHARS, is_host
from edgenode.api.answers import json_answer
from edgenode.api.body import ROOT, Act, takes_json
from edgenode.api.ports import Records
from edgenode.api.problems import Problem
from edgenode.api.routes import Routes, read
from edgenode.core.counters import Counters
from edgenode.core.errors import DecodeError
from edgenode.core.events import MAX_PORT
from edgenode.core.fields import Fields
from edgenode.core.ids import NODE_ID_LENGTH

MAX_BODY_BYTES = 64 * 1024
"""An address or an id, with room for white space and for fields of later versions."""


def network_routes(*, records: Records, operator: OperatorToken, counters: Counters) -> Routes:
    """Return the routes of the HTTP port."""

    def post(act: Act) -> dict[str, Handler]:
        return {"POST": for_operator(operator, takes_json(MAX_BODY_BYTES, counters, act))}

    async def health(_request: web.Request) -> web.StreamResponse:
        return json_answer(await records.health())

    async def announce(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        fields = Fields(body, ROOT)
        address = fields.text("address", MAX_NAME_CHARS + 1)  # with a final dot
        if not is_host(address):
            raise DecodeError(f"{ROOT}.address: expected an IP address or a host name")
        port = fields.integer("port", 1, MAX_PORT)
        return json_answer(await records.announce(address, port), status=202)

    async def disconnect(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        node_id = Fields(body, ROOT).hex_bytes("nodeId", NODE_ID_LENGTH // 2).hex()
        if not await records.disconnect(node_id):
            raise Problem("peer-not-linked")
        return web.Response(status=204)

    return {
        "/network/health": read(health),
        "/peers/announce": post(announce),
        "/peers/disconnect": post(disconnect),
    }
