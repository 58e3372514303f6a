"""Rate limits of the two listeners: what a request costs, 429, and the headers that say so.

The headers are those of draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy` has the limit
(`q`) and its window (`w`, seconds), `RateLimit` what is left (`r`) and the seconds until there is
more (`t`). They come with a 429 alone, so that any other answer is the same each time. Nothing is
limited for the operator.
"""

from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edgenode.api.problems import Problem
from edgenode.core.ratelimit import (
    ANSWER_BYTES,
    AUTH_CHALLENGE,
    AUTH_SESSION,
    HANDSHAKE,
    PEER_WRITE,
    SMALL_READ,
    Refusal,
)

COSTS: Mapping[str, float] = {
    "/ws": HANDSHAKE,
    "/auth/challenge": AUTH_CHALLENGE,
    "/auth/session": AUTH_SESSION,
    "/sync/metadata": PEER_WRITE,
    "/sync/temperature": PEER_WRITE,
    "/blocks/{block_id}/temperature": PEER_WRITE,
    "/blocks/{block_id}/location": PEER_WRITE,
}
"""Path → what a request for it costs; any other costs SMALL_READ. Bodies come on top."""


class Gate(Protocol):
    """The node's limits; an address is an IP literal, a time in seconds."""

    def admits(self, address: str) -> bool:
        """Tell whether the address is not shut out."""

    def refusal(self, address: str, cost: float, *, peer: str = "") -> Refusal | None:
        """Take `cost`, or return what stands against it; `peer`: the id of who is known."""

    def owe(self, address: str, cost: float, *, peer: str = "") -> None:
        """Add what an answer costs beyond that."""


def _never(_request: web.Request) -> bool:
    return False


def _nobody(_request: web.Request) -> str | None:
    return None


def rate_limited(
    gate: Gate,
    *,
    is_exempt: Callable[[web.Request], bool] = _never,
    peer_of: Callable[[web.Request], str | None] = _nobody,
) -> Middleware:
    """Return the middleware that lets nobody have more than the limit.

    `peer_of(request)` is the id of the peer whose token a request carries. Raises Problem
    `rate-limited` with Retry-After, and `shut-out`.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = request.remote or ""
        if is_exempt(request):
            return await handler(request)
        if not gate.admits(address):
            raise Problem("shut-out")
        peer = peer_of(request) or ""
        refusal = gate.refusal(address, _cost(request), peer=peer)
        if refusal is not None:
            raise _too_many(refusal)
        return await handler(request)

    return check


def bodies_charged(
    gate: Gate,
    *,
    is_exempt: Callable[[web.Request], bool] = _never,
    peer_of: Callable[[web.Request], str | None] = _nobody,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return the `on_response_prepare` handler that charges large answers by their size.

    Before the body is sent, so that whoever leaves in the middle has been charged as well.
    """

    async def charge(request: web.Request, response: web.StreamResponse) -> None:
        cost = (response.content_length or 0) // ANSWER_BYTES
        if cost and request.method != "HEAD" and not is_exempt(request):
            gate.owe(request.remote or "", cost, peer=peer_of(request) or "")

    return charge


def _cost(request: web.Request) -> float:
    resource = request.match_info.route.resource
    return COSTS.get("" if resource is None else resource.canonical, SMALL_READ)


def _too_many(refusal: Refusal) -> Problem:
    wait_s = ceil(refusal.wait_ms / 1000)
    window_s = ceil(refusal.window_ms / 1000)
    policy = f'"{refusal.policy}"'
    return Problem(
        "rate-limited",
        headers={
            "Retry-After": str(wait_s),
            "RateLimit-Policy": f"{policy};q={int(refusal.limit)};w={window_s}",
            "RateLimit": f"{policy};r=0;t={wait_s}",
        },
    )
