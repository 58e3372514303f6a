"""The peer port of a closed network: who does not belong to it reads nothing."""

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edgenode.api.problems import Problem

ADMITTING = ("/ws", "/auth/challenge", "/auth/session")
"""Where a node shows that it belongs; what is there refuses those who do not."""

OBSERVED = "/observed"
"""What a member asks, without more, from the port that it opens; it tells the caller of itself."""

KNOCK = "/reach/"
"""What follows is known to whom a member has told it, over its link, and to nobody else."""


def for_members(
    session_of: Callable[[web.Request], str | None], linked_at: Callable[[str], bool]
) -> Middleware:
    """Return the middleware that lets through who has a session, and nobody else.

    `session_of(request)` gives the node whose session token the request carries, None without
    one; `linked_at(address)` tells whether a member is linked from there. All else is refused
    alike, so that a stranger does not learn what is here.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in ADMITTING or session_of(request) is not None:
            return await handler(request)
        if request.path == OBSERVED and linked_at(request.remote or ""):
            return await handler(request)
        if not request.path.startswith(KNOCK):
            raise Problem("session-needed")
        try:
            return await handler(request)
        except Problem:
            raise Problem("session-needed") from None

    return check
