"""A peer with a key of its own, that asks the peer port for something."""

from typing import Any

from aiohttp import ClientResponse

from edgenode.core.pae import session_bytes
from edgenode.core.request import CONTEXT, encode_request
from edgenode.core.signed import sign
from edgenode.crypto import SigningKey, digest16, new_seed

from .conftest import NETWORK, NODE_ID, Served

TIME_MS = 1_700_000_000_000


class PeerClient:
    """Signs and asks; `seq` counts."""

    def __init__(self, served: Served) -> None:
        self.key = SigningKey(new_seed())
        self.node_id = self.key.public_key.hex()
        self.token = ""
        self.seq = 0
        self._served = served

    async def challenge(self) -> str:
        body = {"nodeId": self.node_id, "publicKey": self.node_id}
        async with self._served.client.post("/auth/challenge", json=body) as response:
            assert response.status == 200, await response.text()
            return str((await response.json())["challenge"])

    def answer(
        self, challenge: str, *, network: str = NETWORK, audience: str = NODE_ID
    ) -> dict[str, str]:
        """Return the body for /auth/session."""
        message = session_bytes(
            network, self.key.public_key, bytes.fromhex(audience), bytes.fromhex(challenge)
        )
        signature = self.key.sign(message).hex()
        return {"nodeId": self.node_id, "challenge": challenge, "signature": signature}

    async def begin(self) -> None:
        body = self.answer(await self.challenge())
        async with self._served.client.post("/auth/session", json=body) as response:
            assert response.status == 201, await response.text()
            self.token = (await response.json())["token"]

    def request(
        self,
        path: str,
        body: dict[str, Any],
        *,
        audience: str = NODE_ID,
        method: str = "POST",
        network: str = NETWORK,
        token: str | None = None,
    ) -> dict[str, object]:
        """Return a signed request."""
        self.seq += 1
        token_hash = digest16(bytes.fromhex(self.token if token is None else token))
        payload = encode_request(audience, method, path, token_hash, body)
        return self.sign(CONTEXT, payload, network=network)

    def sign(
        self, context: str, payload: str, *, network: str = NETWORK, seq: int | None = None
    ) -> dict[str, object]:
        """Return a SignedMessage of this peer."""
        return sign(
            context,
            network,
            self.key.public_key,
            1,
            self.seq if seq is None else seq,
            TIME_MS,
            payload,
            self.key.sign,
        ).to_data()

    async def post(
        self, path: str, request: dict[str, object], *, token: str | None = None
    ) -> tuple[int, str, str]:
        """Send it; return status, the problem's code, and its detail."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        async with self._served.client.post(path, json=request, headers=headers) as response:
            return await outcome(response)


async def outcome(response: ClientResponse) -> tuple[int, str, str]:
    """Return status, the problem's code, and its detail, "" for what is none."""
    if response.content_type != "application/problem+json":
        return response.status, "", ""
    problem = await response.json()
    return response.status, problem["type"].removeprefix("urn:edgenode:problem:"), problem["detail"]
