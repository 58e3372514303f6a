"""A peer that writes over REST, written from docs/protocol.md alone.

`python -m tests.interop.independent_requests BASE NETWORK NODEID BLOCKID`: the peer port's URL, the
network, the node there, a block that it holds. Prints, as JSON lines, what came of each request.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

import aiohttp

from tests.interop.independent_link import Json, Me, pae, say
from tests.interop.independent_records import batch, hash16, sign

Outcome = tuple[int, str]


class Caller:
    """One key at one node."""

    def __init__(self, session: aiohttp.ClientSession, base: str, network: str, audience: str):
        self.me = Me(network)
        self.token = b""
        self.seq = 0
        self._session = session
        self._base = base
        self._audience = audience

    async def post(self, path: str, body: Json, token: bytes | None = None) -> tuple[int, Json]:
        headers = {} if token is None else {"Authorization": f"Bearer {token.hex()}"}
        async with self._session.post(self._base + path, json=body, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else {}

    async def challenge(self) -> str:
        body = {"nodeId": self.me.node_id, "publicKey": self.me.node_id, "aLaterField": 1}
        status, answer = await self.post("/auth/challenge", body)
        assert status == 200, answer
        challenge: str = answer["challenge"]
        return challenge

    def answer(self, challenge: str, audience: str = "", network: str = "") -> Json:
        signed = pae(
            [
                b"edgenode/1/session",
                (network or self.me.network).encode(),
                bytes.fromhex(self.me.node_id),
                bytes.fromhex(audience or self._audience),
                bytes.fromhex(challenge),
            ]
        )
        signature = self.me.sign(signed).hex()
        return {"nodeId": self.me.node_id, "challenge": challenge, "signature": signature}

    async def begin(self) -> Json:
        """Open a session; return the body that did."""
        body = self.answer(await self.challenge())
        status, answer = await self.post("/auth/session", body)
        assert status == 201, answer
        self.token = bytes.fromhex(answer["token"])
        assert len(self.token) == 32
        return body

    def request(self, path: str, body: Json, /, **other: Any) -> Json:
        self.seq += 1
        payload = {
            "audience": self._audience,
            "method": "POST",
            "path": path,
            "tokenHash": hash16(self.token).hex(),
            "body": body,
            **other,
        }
        return sign(self.me, "request", 7, self.seq, payload)

    async def ask(self, path: str, request: Json, token: bytes | None = None) -> Outcome:
        status, answer = await self.post(path, request, self.token if token is None else token)
        return status, str(answer.get("type", "")).removeprefix("urn:edgenode:problem:")


async def sessions(caller: Caller) -> None:
    body = await caller.begin()
    say(sessionReplayed=(await caller.post("/auth/session", body))[0])
    for name, wrong in (("audience", "ab" * 32), ("network", "another")):
        answer = caller.answer(await caller.challenge(), **{name: wrong})
        say(**{f"session_{name}": (await caller.post("/auth/session", answer))[0]})


async def refused(caller: Caller, other: Caller, block_id: str) -> None:
    """Everything that must not be taken."""
    path = "/sync/request"
    body = {"blockIds": [block_id]}
    good = caller.request(path, body)
    say(good=await caller.ask(path, good))
    outcomes = {"replayed": await caller.ask(path, good)}
    for name, value in (("audience", other.me.node_id), ("method", "PUT"), ("path", "/x")):
        outcomes[name] = await caller.ask(path, caller.request(path, body, **{name: value}))
    changed = caller.request(path, body)
    changed["payload"] = changed["payload"].replace(block_id, "0" * 128)
    outcomes["body"] = await caller.ask(path, changed)
    await other.begin()
    outcomes["token of another"] = await caller.ask(path, caller.request(path, body), other.token)
    outcomes["node of another"] = await caller.ask(path, other.request(path, body))
    outcomes["no token"] = await caller.ask(path, caller.request(path, body), bytes(32))
    stale, before = caller.request(path, body), caller.token
    await caller.begin()
    outcomes["token before"] = await caller.ask(path, stale, before)
    outcomes["request before"] = await caller.ask(path, stale)
    say(refused=outcomes)


def hot(block_id: str) -> Json:
    return {"type": "TEMPERATURE", "blockId": block_id, "data": {"class": "HOT"}}


async def writes(caller: Caller, other: Caller, block_id: str) -> None:
    own = batch(caller.me, 7, 1, [hot(block_id)])
    location = {"type": "LOCATION", "blockId": block_id, "data": {"size": 9}}
    held = batch(caller.me, 7, 2, [location])
    words = {"type": "METADATA", "blockId": block_id, "data": {"size": 9, "user": {"by": "peer"}}}
    told = batch(caller.me, 7, 3, [words])
    outcomes = {}
    for name, path, given in (
        ("temperature", f"/blocks/{block_id}/temperature", own),
        ("again", "/sync/temperature", own),
        ("location", f"/blocks/{block_id}/location", held),
        ("metadata", "/sync/metadata", told),
        ("another's", "/sync/temperature", batch(other.me, 7, 1, [hot(block_id)])),
        ("another kind", "/sync/temperature", held),
        ("another block", f"/blocks/{'0' * 128}/temperature", own),
        ("forged", "/sync/temperature", {**own, "seq": 9}),
    ):
        request = caller.request(path, {"batches": [given]})
        outcomes[name] = await caller.ask(path, request)
    advertised = {
        "nodeId": caller.me.node_id,
        "address": "",
        "port": 1,
        "capabilities": [],
        "version": "0",
    }
    for name, by in (("announce", caller), ("announce another", other)):
        advertisement = sign(by.me, "advertisement", 7, 1, advertised)
        request = caller.request("/peers/announce", {"advertisement": advertisement})
        outcomes[name] = await caller.ask("/peers/announce", request)
    request = caller.request("/peers/disconnect", {})
    outcomes["disconnect"] = await caller.ask("/peers/disconnect", request)
    say(writes=outcomes)


async def main(base: str, network: str, audience: str, block_id: str) -> None:
    began = time.monotonic()
    async with aiohttp.ClientSession() as session:
        caller = Caller(session, base, network, audience)
        other = Caller(session, base, network, audience)
        say(nodeId=caller.me.node_id)
        await sessions(caller)
        await refused(caller, other, block_id)
        await writes(caller, other, block_id)
    assert time.monotonic() - began < 60
    say(
        modulesOfEdgenode=[name for name in sys.modules if name.startswith("edgenode")],
        pid=os.getpid(),
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
