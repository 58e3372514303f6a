"""Invitations: what this node gives to others, and what it takes of them."""

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from aiohttp import web

from edgenode.api.access import OperatorToken, for_operator, is_operator
from edgenode.api.answers import json_answer
from edgenode.api.body import ROOT, takes_json
from edgenode.api.problems import Problem
from edgenode.api.routes import Routes, read
from edgenode.core.counters import Counters
from edgenode.core.errors import (
    BadInvitation,
    DataFolderError,
    DecodeError,
    JoinConflict,
    NoInvitation,
)
from edgenode.core.fields import Fields
from edgenode.core.ids import NODE_ID_LENGTH
from edgenode.core.invite import MAX_TEXT_CHARS

MAX_BODY_BYTES = 16 * 1024
"""A line, each of whose characters may be written as \\u and four digits."""


class Inviting(Protocol):
    """Answers are JSON-ready, as the OpenAPI description has them.

    BadInvitation, JoinConflict, NoInvitation and DataFolderError have a message for people.
    """

    async def invitation(self, *, with_secret: bool) -> Mapping[str, Any]:
        """Return the line that others take to find this node, and what it says."""

    async def join(self, line: str) -> Mapping[str, Any]:
        """Keep what a line says, durably; link with its node, or say what comes first.

        Raises DecodeError for what is no line.
        """

    async def joined(self) -> Mapping[str, Any]:
        """Return what is kept."""

    async def forget(self, name: str) -> Mapping[str, Any] | None:
        """Forget a node by its id, or a network; None where there is none of that name."""


def invite_routes(*, inviting: Inviting, operator: OperatorToken, counters: Counters) -> Routes:
    """Return the routes of the HTTP port. The secret is for the operator alone, as all changes."""

    async def invitation(request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("secret", "0")
        if wanted not in ("0", "1"):
            raise Problem("bad-parameter", "secret is 0 or 1")
        if wanted == "1" and not is_operator(request, operator):
            raise Problem("not-authorized")
        return json_answer(await _told(inviting.invitation(with_secret=wanted == "1")))

    async def join(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        line = Fields(body, ROOT).text("line", MAX_TEXT_CHARS)
        return json_answer(await _told(inviting.join(line)))

    async def joined(_request: web.Request) -> web.StreamResponse:
        return json_answer(await _told(inviting.joined()))

    async def forget(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        name = Fields(body, ROOT).text("name", NODE_ID_LENGTH)
        answer = await inviting.forget(name)
        if answer is None:
            raise Problem("not-joined")
        return json_answer(answer)

    return {
        "/invitation": read(invitation),
        "/join": {"POST": for_operator(operator, takes_json(MAX_BODY_BYTES, counters, join))},
        "/joined": read(for_operator(operator, joined)),
        "/joined/forget": {
            "POST": for_operator(operator, takes_json(MAX_BODY_BYTES, counters, forget))
        },
    }


async def _told(answer: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the answer; an error is told in its own words."""
    try:
        return await answer
    except DecodeError as error:
        raise Problem("bad-invitation", str(error)) from None
    except (BadInvitation, JoinConflict, NoInvitation, DataFolderError) as error:
        raise Problem(error.code, str(error)) from None
