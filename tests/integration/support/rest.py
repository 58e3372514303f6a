"""A node's REST interface as the operator, and as anyone, uses it."""

import io
from typing import Any, NamedTuple

import aiohttp

TIMEOUT = aiohttp.ClientTimeout(total=60)


class Answer(NamedTuple):
    """Status and whole body."""

    status: int
    body: bytes
    problem: str
    """The code in a problem's type, "" for what is none."""


class Rest:
    """Requests to one node's HTTP port."""

    def __init__(self, session: aiohttp.ClientSession, http_port: int, token: str) -> None:
        self._session = session
        self.base = f"http://127.0.0.1:{http_port}"
        self._token = token

    async def post(self, data: bytes) -> str:
        """Store a block; return its id, as acknowledged."""
        async with self._session.post(
            f"{self.base}/blocks", data=io.BytesIO(data), headers=self._operator(), timeout=TIMEOUT
        ) as response:
            answer = await response.json()
            assert response.status in (200, 201), answer
            assert answer["size"] == len(data)
            return str(answer["blockId"])

    async def get(
        self, block_id: str, *, operator: bool = True, local: bool = False, total_s: float = 60
    ) -> Answer:
        """Get a block; the operator's GET fetches it unless `local`."""
        async with self._session.get(
            f"{self.base}/blocks/{block_id}",
            params={"local": "1"} if local else {},
            headers=self._operator() if operator else {},
            timeout=aiohttp.ClientTimeout(total=total_s),
        ) as response:
            problem = ""
            if response.content_type == "application/problem+json":
                type_ = (await response.json())["type"]
                problem = str(type_).removeprefix("urn:edgenode:problem:")
            return Answer(response.status, await response.read(), problem)

    async def delete(self, block_id: str) -> None:
        """Delete a block that is held."""
        async with self._session.delete(
            f"{self.base}/blocks/{block_id}", headers=self._operator(), timeout=TIMEOUT
        ) as response:
            assert response.status == 204, await response.text()

    async def write(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """POST JSON as the operator; return the status and the object that is answered."""
        async with self._session.post(
            self.base + path, json=body, headers=self._operator(), timeout=TIMEOUT
        ) as response:
            answer: dict[str, Any] = await response.json()
            return response.status, answer

    async def call(self, method: str, path: str) -> tuple[int, bytes]:
        """Call as the operator, without a body; return the status and the answer."""
        async with self._session.request(
            method, f"{self.base}{path}", headers=self._operator(), timeout=TIMEOUT
        ) as answer:
            return answer.status, await answer.read()

    async def metadata(self, block_id: str) -> dict[str, Any] | None:
        """Return BlockMetadata, None of a block that nobody has told of."""
        url = f"{self.base}/blocks/{block_id}/metadata"
        async with self._session.get(url, timeout=TIMEOUT) as response:
            if response.status == 404:
                return None
            assert response.status == 200, await response.text()
            answer: dict[str, Any] = await response.json()
            return answer

    async def health(self) -> dict[str, Any]:
        """Return NetworkHealth."""
        return await self._json("/network/health")

    async def size(self, block_id: str) -> int:
        """Get a block (fetched as the operator) without keeping its bytes; return how many."""
        count = 0
        async with self._session.get(
            f"{self.base}/blocks/{block_id}", headers=self._operator(), timeout=TIMEOUT
        ) as response:
            assert response.status == 200, await response.text()
            async for piece in response.content.iter_any():
                count += len(piece)
        return count

    async def status(self) -> dict[str, Any]:
        """Return NodeMetrics."""
        return await self._json("/node/status")

    async def info(self) -> dict[str, Any]:
        """Return NodeInfo."""
        return await self._json("/node/info")

    async def peers(self) -> list[dict[str, Any]]:
        """Return every PeerInfo."""
        peers: list[dict[str, Any]] = (await self._json("/node/peers"))["peers"]
        return peers

    async def discovered(self) -> list[dict[str, Any]]:
        """Return all that was found of other nodes."""
        found: list[dict[str, Any]] = (await self._json("/node/discovered"))["discovered"]
        return found

    async def _json(self, path: str) -> dict[str, Any]:
        async with self._session.get(self.base + path, timeout=TIMEOUT) as response:
            assert response.status == 200
            answer: dict[str, Any] = await response.json()
            return answer

    def _operator(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}
