"""Who a peer is that asks over REST: challenge, session token, and what it signs."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.access import bearer
from edgenode.api.addresses import packed_address
from edgenode.api.answers import json_answer
from edgenode.api.body import ROOT, takes_json
from edgenode.api.problems import Problem
from edgenode.api.routes import Routes
from edgenode.core.counters import Counters
from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.ids import NODE_ID_LENGTH
from edgenode.core.peersessions import (
    CHALLENGE_BYTES,
    CHALLENGE_MS,
    SESSION_MS,
    TOKEN_BYTES,
    PeerSession,
    PeerSessions,
    SessionRefused,
)
from edgenode.core.request import RequestRefused, open_request, read_signed
from edgenode.core.signed import SIGNATURE_BYTES

MAX_AUTH_BYTES = 4096
"""Two keys and a signature take 400; the rest is room for fields of later versions."""

MAX_WRITE_BYTES = 256 * 1024
"""A signed request (`core.request.MAX_REQUEST_BYTES`) with its quotes escaped."""

_IPV4_PREFIX_BYTES = 3
_IPV6_PREFIX_BYTES = 6

PeerAct = Callable[[web.Request, str, Mapping[str, Any]], Awaitable[web.StreamResponse]]
"""Handles what the node with this id has signed, and the object that it asks with."""


class PeerAuth:
    """The sessions of peers with this node, as requests show them."""

    def __init__(
        self,
        sessions: PeerSessions,
        *,
        own_id: str,
        network: str,
        verify: Callable[[bytes, bytes, bytes], bool],
        random_bytes: Callable[[int], bytes],
        now_ms: Callable[[], int],
        expiry: Callable[[int], str],
        refusal: Callable[[str], str],
    ) -> None:
        """`now_ms` is a clock that is never set; `expiry` gives the time in so many ms, as a text.

        `refusal(node_id)` is the problem for which a node gets no session, "" for none.
        """
        self._sessions = sessions
        self._own_id = own_id
        self._network = network
        self._verify = verify
        self._random_bytes = random_bytes
        self._now_ms = now_ms
        self._expiry = expiry
        self._refusal = refusal

    def session_of(self, request: web.Request) -> str | None:
        """Return the id of the node whose session token the request carries, None without one."""
        session = self._session(request)
        return None if session is None else session.node_id

    def _session(self, request: web.Request) -> PeerSession | None:
        text = bearer(request)
        try:
            token = bytes.fromhex(text) if len(text) == 2 * TOKEN_BYTES else b""
        except ValueError:
            token = b""
        session = self._sessions.find(token, self._now_ms()) if token else None
        return None if session is None or self._refusal(session.node_id) else session

    def routes(self, counters: Counters) -> Routes:
        """Return the routes by which a peer gets its token."""
        return {
            "/auth/challenge": {"POST": takes_json(MAX_AUTH_BYTES, counters, self._challenge)},
            "/auth/session": {"POST": takes_json(MAX_AUTH_BYTES, counters, self._begin)},
        }

    def signed(self, counters: Counters, act: PeerAct) -> Handler:
        """Return the handler of a request that needs a session and its node's signature."""

        async def take(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            session = self._needed(request)  # another may have begun while the body came
            try:
                asked = self._open(request, session, body)
                return await act(request, session.node_id, asked)
            except RequestRefused as error:
                raise Problem(error.code, str(error)) from None

        read = takes_json(MAX_WRITE_BYTES, counters, take)

        async def handle(request: web.Request) -> web.StreamResponse:
            self._needed(request)
            return await read(request)

        return handle

    def _needed(self, request: web.Request) -> PeerSession:
        session = self._session(request)
        if session is None:
            raise Problem("session-needed")
        return session

    def _open(
        self, request: web.Request, session: PeerSession, body: dict[str, Any]
    ) -> dict[str, Any]:
        signed = read_signed(body, ROOT)
        asked = open_request(
            signed,
            node_id=session.node_id,
            network=self._network,
            audience=self._own_id,
            method=request.method,
            path=request.path_qs,
            token_hash=session.token_hash,
            verify_fn=self._verify,
        )
        if not session.window.take(signed.epoch, signed.seq):
            raise Problem("replayed")
        return asked

    async def _challenge(self, _request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        fields = Fields(body, ROOT)
        node_id = _node_id(fields)
        if fields.hex_bytes("publicKey", NODE_ID_LENGTH // 2).hex() != node_id:
            raise DecodeError(f"{ROOT}.publicKey: not the key that nodeId is")
        challenge = self._sessions.challenge(node_id, self._now_ms())
        return json_answer({"challenge": challenge.hex(), "expiry": self._expiry(CHALLENGE_MS)})

    async def _begin(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        fields = Fields(body, ROOT)
        node_id = _node_id(fields)
        challenge = fields.hex_bytes("challenge", CHALLENGE_BYTES)
        signature = fields.hex_bytes("signature", SIGNATURE_BYTES)
        token = self._random_bytes(TOKEN_BYTES)
        prefix = _prefix(request.remote or "")
        try:
            self._sessions.begin(
                node_id,
                challenge,
                signature,
                token,
                prefix,
                self._now_ms(),
                partial(self._check, node_id),
            )
        except SessionRefused as error:
            raise Problem(error.code, f"{ROOT}.{error}") from None
        return json_answer({"token": token.hex(), "expiry": self._expiry(SESSION_MS)}, status=201)

    def _check(self, node_id: str) -> None:
        if refusal := self._refusal(node_id):
            raise Problem(refusal)


def _node_id(fields: Fields) -> str:
    return fields.hex_bytes("nodeId", NODE_ID_LENGTH // 2).hex()


def _prefix(address: str) -> bytes:
    """Return what the addresses of one customer have in common: /24 or /48."""
    packed = packed_address(address) or b""
    return packed[: _IPV4_PREFIX_BYTES if len(packed) == 4 else _IPV6_PREFIX_BYTES]  # noqa: PLR2004
