"""Errors as problem details (RFC 9457): the catalogue, and the middleware that answers."""

import logging
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.answers import json_answer
from edgenode.core.errors import EdgenodeError

TYPE_PREFIX = "urn:edgenode:problem:"

CATALOGUE: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request is malformed"),
    "bad-block-id": (400, "A block id is 128 lowercase hexadecimal digits"),
    "bad-body": (400, "The body is not the JSON object that this path takes"),
    "bad-parameter": (400, "A query parameter has a value that is not allowed"),
    "bad-invitation": (400, "This is no invitation that the node can take"),
    "empty-block": (400, "A block has at least one byte"),
    "not-authorized": (401, "The operator's token is needed"),
    "session-needed": (401, "The token of a peer's session is needed"),
    "challenge-refused": (401, "The challenge was used, is too old, or is not of this node"),
    "bad-signature": (403, "The signature does not verify"),
    "wrong-node": (403, "This is for the node to do that it concerns"),
    "wrong-request": (403, "The request was signed for something else"),
    "retired": (403, "The node has replaced this key by another one"),
    "not-a-member": (403, "The node does not belong to this closed network, or is not linked"),
    "forbidden": (403, "This is not allowed"),
    "forbidden-host": (403, "The Host header does not name this node"),
    "forbidden-origin": (403, "A page of another origin may not do this"),
    "login-expired": (403, "The login link has been used, or is too old"),
    "shut-out": (403, "The blacklist has this address"),
    "forbidden-source": (403, "This port serves the local network only"),
    "not-found": (404, "There is nothing at this path"),
    "block-not-held": (404, "The block is not held here"),
    "block-unavailable": (404, "No linked peer could hand over the block"),
    "block-unknown": (404, "Nothing is known of the block"),
    "not-pinned": (404, "The block is not pinned"),
    "peer-not-linked": (404, "There is no link with this node"),
    "not-joined": (404, "No invitation by this node, or to this network, is kept"),
    "not-shut-out": (404, "The blacklist does not have the address"),
    "method-not-allowed": (405, "The path does not have this method"),
    "body-timeout": (408, "The body stopped arriving"),
    "replayed": (409, "The request was taken before"),
    "not-carried": (409, "The records of this node are not carried here now"),
    "not-a-holder": (409, "A node can only be the location of a block that it holds"),
    "never-shut-out": (409, "Loopback and static peers are never shut out"),
    "blacklist-full": (409, "The blacklist has as many entries as it may"),
    "join-conflict": (409, "The settings say otherwise than the invitation"),
    "no-invitation": (409, "The node cannot invite now"),
    "block-pinned": (409, "The block is pinned; unpin it before it is deleted"),
    "pins-full": (409, "As many blocks are pinned as this node keeps"),
    "precondition-failed": (412, "The precondition does not hold"),
    "block-too-large": (413, "The block is larger than this node accepts"),
    "body-too-large": (413, "The body is larger than this path accepts"),
    "target-too-long": (414, "The path and query are longer than any that is known"),
    "unsupported-encoding": (415, "A body is taken as it is, without a content coding"),
    "range-not-satisfiable": (416, "The range lies outside the block"),
    "expectation-failed": (417, "The only expectation known is 100-continue"),
    "hash-mismatch": (422, "The body does not hash to the block id of the path"),
    "upgrade-required": (426, "This path is for WebSocket only"),
    "headers-too-large": (431, "The headers are larger, or more, than a request needs"),
    "rate-limited": (429, "More was asked for than is allowed in this time"),
    "internal-error": (500, "The node failed; its log says how"),
    "data-folder-error": (500, "A file in the data folder cannot be used"),
    "store-failed": (500, "The disk refused a read or a write"),
    "busy": (503, "Too much of this is under way"),
    "not-alive": (503, "The node makes no progress"),
    "not-ready": (503, "The node cannot serve now"),
    "store-full": (507, "There is no room left for the block"),
}
"""Code → status and title. The codes are part of the interface: more may come, none changes."""

RETRY_SECONDS = 5
"""What `Retry-After` says with `busy`: long enough for a block or two to be done."""

_BY_STATUS = {
    400: "bad-request",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    426: "upgrade-required",
}
"""The statuses that may be raised as aiohttp's own exceptions; any other is unexpected."""

_log = logging.getLogger(__name__)


class Problem(Exception):
    """Ends a request with the problem `code` of the catalogue.

    `detail` is for people; it never repeats what the request said, but for the name or number in a
    body of JSON that is wrong.
    """

    def __init__(
        self, code: str, detail: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Take a code of the catalogue, a detail (by default the title) and more headers."""
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.headers = headers or {}


def problem_answer(problem: Problem) -> web.Response:
    """Return the response for a problem."""
    status, title = CATALOGUE[problem.code]
    headers = dict(problem.headers)
    if status == 401:  # noqa: PLR2004 - RFC 9110, 15.5.2
        headers["WWW-Authenticate"] = 'Bearer realm="edgenode"'
    elif problem.code == "busy":
        headers["Retry-After"] = str(RETRY_SECONDS)
    return json_answer(
        {
            "type": TYPE_PREFIX + problem.code,
            "title": title,
            "status": status,
            "detail": problem.detail or title,
        },
        status=status,
        content_type="application/problem+json",
        headers=headers,
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem response; what was not expected is logged, not told."""
    try:
        return await handler(request)
    except Problem as problem:
        response = problem_answer(problem)
    except EdgenodeError as error:
        response = problem_answer(Problem(_known(error)))
    except web.HTTPException as error:
        code = _BY_STATUS.get(error.status, "internal-error")
        response = problem_answer(Problem(code, headers=_kept(error)))
    except ConnectionError:
        raise
    except Exception as error:
        _log.exception("Request failed: %s", request.method, extra={"event": "request-failed"})
        if request.writer.output_size > 0:
            raise ConnectionResetError("part of the response is sent already") from error
        response = problem_answer(Problem("internal-error"))
    if request.can_read_body:
        # The rest of the body is still to come, or never will: what follows on this connection
        # cannot be told from it (RFC 9112, 9.3).
        response.force_close()
    return response


def _kept(error: web.HTTPException) -> dict[str, str]:
    return {name: error.headers[name] for name in ("Allow", "Upgrade") if name in error.headers}


def _known(error: EdgenodeError) -> str:
    if error.code in CATALOGUE:
        return error.code
    _log.error("No problem type for %s", error.code, extra={"event": "request-failed"})
    return "internal-error"
