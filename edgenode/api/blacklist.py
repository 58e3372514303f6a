"""Who is shut out, for the operator to see and to change."""

from typing import Any, Protocol

from aiohttp import web

from edgenode.api.access import OperatorToken, for_operator
from edgenode.api.answers import json_answer
from edgenode.api.body import ROOT, takes_json
from edgenode.api.problems import Problem
from edgenode.api.routes import Routes, read
from edgenode.core.blacklist import MAX_DURATION_S, parse_entry
from edgenode.core.counters import Counters
from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields

MAX_BODY_BYTES = 4096
MAX_CHARS = 64
"""The longest literal, with a prefix length."""


class Shutting(Protocol):
    """The blacklist; addresses are the bytes of an IP address, times in seconds."""

    def entries(self) -> list[dict[str, object]]:
        """Return {address, reason, since, until, by} of each."""

    async def add(self, address: bytes, duration_s: int | None) -> dict[str, object]:
        """Shut out an address, and return its entry once it is durable.

        Raises `NeverShutOut`, `BlacklistFull`, `StoreFailed`.
        """

    async def remove(self, address: bytes) -> bool:
        """Let an address in again; False if it was not shut out."""


def blacklist_routes(*, shutting: Shutting, operator: OperatorToken, counters: Counters) -> Routes:
    """Return the routes of the HTTP port."""

    async def listed(_request: web.Request) -> web.StreamResponse:
        return json_answer({"blacklist": shutting.entries()})

    async def add(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        fields = Fields(body, ROOT)
        address = parse_entry(fields.text("address", MAX_CHARS))
        if address is None:
            raise DecodeError(f"{ROOT}.address: expected an IP address")
        duration_s = None
        if body.get("duration") is not None:
            duration_s = fields.integer("duration", 1, MAX_DURATION_S)
        return json_answer(await shutting.add(address, duration_s), status=201)

    async def remove(request: web.Request) -> web.StreamResponse:
        address = parse_entry(request.match_info["address"])
        if address is None or not await shutting.remove(address):
            raise Problem("not-shut-out")
        return web.Response(status=204)

    return {
        "/blacklist": {
            **read(for_operator(operator, listed)),
            "POST": for_operator(operator, takes_json(MAX_BODY_BYTES, counters, add)),
        },
        "/blacklist/{address}": {"DELETE": for_operator(operator, remove)},
    }
