"""What a peer may write at the peer port: what it says of itself, in its own name and signed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web

from edgenode.api.answers import json_answer
from edgenode.api.auth import PeerAct, PeerAuth
from edgenode.api.blocks import counted, path_block_id
from edgenode.api.body import ROOT
from edgenode.api.ports import Records
from edgenode.api.problems import Problem
from edgenode.api.records import MAX_REQUESTED, block_ids
from edgenode.api.routes import Routes
from edgenode.core.counters import Counters
from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.ids import NODE_ID_LENGTH
from edgenode.core.ratelimit import LOOK_UPS, SIGNATURE_CHECK
from edgenode.core.records import LOCATION, METADATA, TEMPERATURE
from edgenode.core.signed import Signed, decode_signed

MAX_BATCHES = 64
"""In one request: as many as are judged together when they come over a link."""


class PeerWrites(Protocol):
    """What peers can do here; each raises RequestRefused, DecodeError, Busy and StoreFailed."""

    async def advertised(
        self, node_id: str, advertisement: Signed, address: str
    ) -> Mapping[str, Any]:
        """Take a node's own advertisement, unverified, that came from the IP literal `address`.

        Nothing but that address is ever dialled for it. Returns `{"address", "port"}`.
        """

    async def take(
        self, node_id: str, batches: Sequence[Signed], kind: str, block_id: str | None
    ) -> int:
        """Take a node's own batches, unverified, in which all updates are of `kind`.

        With `block_id`, all are of this block. All or none; durable on return. Returns how many
        updates there are.
        """


def peer_routes(
    *,
    auth: PeerAuth,
    writes: PeerWrites,
    records: Records,
    counters: Counters,
    owe: Callable[[web.Request, str, float], None],
) -> Routes:
    """Return the routes of the peer port that take a session token and a signed request.

    `owe(request, node_id, cost)` is told what one costs beyond what any does, before it is done.
    """

    async def announce(
        request: web.Request, node_id: str, body: Mapping[str, Any]
    ) -> web.StreamResponse:
        signed = decode_signed(Fields(body, ROOT).section("advertisement"))
        taken = await writes.advertised(node_id, signed, request.remote or "")
        return json_answer(taken, status=202)

    async def disconnect(
        _request: web.Request, node_id: str, body: Mapping[str, Any]
    ) -> web.StreamResponse:
        named = Fields(body, ROOT).hex_bytes("nodeId", NODE_ID_LENGTH // 2, default=None)
        if named is not None and named.hex() != node_id:
            raise Problem("wrong-node", f"{ROOT}.nodeId: a node disconnects itself only")
        if not await records.disconnect(node_id):
            raise Problem("peer-not-linked")
        return web.Response(status=204)

    async def request_blocks(
        request: web.Request, node_id: str, body: Mapping[str, Any]
    ) -> web.StreamResponse:
        if Fields(body, ROOT).boolean("queue", default=False):
            raise DecodeError(f"{ROOT}.queue: blocks are fetched for the operator only")
        asked = block_ids(Fields(body, ROOT), MAX_REQUESTED)
        owe(request, node_id, len(asked) // LOOK_UPS)
        return json_answer(await records.sync_request(asked, False))

    def taking(kind: str, *, of_path: bool) -> PeerAct:
        async def take(
            request: web.Request, node_id: str, body: Mapping[str, Any]
        ) -> web.StreamResponse:
            block_id = path_block_id(request) if of_path else None
            items = Fields(body, ROOT).items("batches", MAX_BATCHES)
            batches = [decode_signed(item) for item in items]
            owe(request, node_id, SIGNATURE_CHECK * len(batches))
            return json_answer({"accepted": await writes.take(node_id, batches, kind, block_id)})

        return take

    acts: dict[str, PeerAct] = {
        "/peers/announce": announce,
        "/peers/disconnect": disconnect,
        "/sync/request": request_blocks,
        "/sync/metadata": taking(METADATA, of_path=False),
        "/sync/temperature": taking(TEMPERATURE, of_path=False),
        "/blocks/{block_id}/temperature": taking(TEMPERATURE, of_path=True),
        "/blocks/{block_id}/location": taking(LOCATION, of_path=True),
    }
    return {
        path: {"POST": counted(counters, auth.signed(counters, act))} for path, act in acts.items()
    }
