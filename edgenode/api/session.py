"""Signing in to the status page: a link that works once, and what it is exchanged for.

`edgenode open` asks for a code with the operator's token and prints it in a link, behind the `#`,
which no browser sends to a server or a proxy. The page posts the code and is given a token of its
own. It keeps that in memory and sends it as `Authorization: Bearer`: a cookie would go to every
other port of this host too, would come with requests that a page of somebody else makes, and would
lie on a disk.
"""

import os
from collections.abc import Callable
from typing import Any

from aiohttp import web

from edgenode.api.access import OperatorToken, bearer, for_operator
from edgenode.api.answers import json_answer
from edgenode.api.body import ROOT, takes_json
from edgenode.api.ports import Hasher
from edgenode.api.problems import Problem
from edgenode.api.routes import Routes
from edgenode.core.counters import Counters
from edgenode.core.fields import Fields

CODE_SECONDS = 120
"""From the terminal to the browser, perhaps by hand."""

SESSION_SECONDS = 12 * 3600
"""A day's work; a page that was left open for longer is looked at, not worked with."""

MAX_CODES = 8
MAX_SESSIONS = 16
"""As many as pages can watch; the oldest goes first."""

_BYTES = 32
_MAX_CHARS = 2 * _BYTES
_MAX_BODY_BYTES = 4096


class Sessions:
    """Codes and sessions that are good now, each kept as a digest with its end."""

    def __init__(self, new_hasher: Callable[[], Hasher], now_s: Callable[[], float]) -> None:
        """`now_s` is a clock that is never set."""
        self._new_hasher = new_hasher
        self._now_s = now_s
        self._codes: dict[str, float] = {}
        self._sessions: dict[str, float] = {}

    def new_code(self) -> str:
        """Return a code that can be exchanged once."""
        return self._new(self._codes, CODE_SECONDS, MAX_CODES)

    def exchange(self, code: str) -> str | None:
        """Return the token of a new session; None for a code that is not good any more."""
        if not self._good(self._codes, code):
            return None
        del self._codes[self._hash(code)]
        return self._new(self._sessions, SESSION_SECONDS, MAX_SESSIONS)

    def matches(self, token: str) -> bool:
        """Tell whether `token` is that of a session."""
        return self._good(self._sessions, token)

    def end(self, token: str) -> None:
        """End a session, where there is one."""
        self._sessions.pop(self._hash(token), None)

    def _new(self, among: dict[str, float], seconds: float, bound: int) -> str:
        while len(among) >= bound:
            del among[next(iter(among))]
        secret = os.urandom(_BYTES).hex()
        among[self._hash(secret)] = self._now_s() + seconds
        return secret

    def _good(self, among: dict[str, float], secret: str) -> bool:
        # Found by its digest, so that the time it takes tells nothing of those that are there.
        return among.get(self._hash(secret), -1.0) > self._now_s()

    def _hash(self, secret: str) -> str:
        hasher = self._new_hasher()
        hasher.update(secret.encode("utf-8", "surrogateescape"))
        return hasher.hexdigest()


def session_routes(*, sessions: Sessions, operator: OperatorToken, counters: Counters) -> Routes:
    """Return the routes of signing in and out."""

    async def link(request: web.Request) -> web.StreamResponse:
        if sessions.matches(bearer(request)):
            # Or a session could make itself another one before it ends, and so for ever.
            raise Problem("not-authorized", "A session cannot begin another one")
        return json_answer({"code": sessions.new_code(), "expiresIn": CODE_SECONDS}, status=201)

    async def begin(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        token = sessions.exchange(Fields(body, ROOT).text("code", _MAX_CHARS))
        if token is None:
            raise Problem("login-expired")
        return json_answer({"token": token, "expiresIn": SESSION_SECONDS}, status=201)

    async def end(request: web.Request) -> web.StreamResponse:
        sessions.end(bearer(request))
        return web.Response(status=204)

    return {
        "/session/link": {"POST": for_operator(operator, link)},
        "/session": {
            "POST": takes_json(_MAX_BODY_BYTES, counters, begin),
            "DELETE": for_operator(operator, end),
        },
    }
