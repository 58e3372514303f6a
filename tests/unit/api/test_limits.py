"""Requests beyond the limit, and addresses that are shut out."""

import asyncio

import pytest

from .conftest import OPERATOR, Node, Served, serve
from .peers import PeerClient
from .test_upload import problem

LIMIT = 5


async def get(served: Served, path: str = "/node/info", **headers: str) -> int:
    """Return the status of a GET."""
    async with served.client.get(path, headers=headers) as response:
        await response.read()
        return response.status


@pytest.mark.parametrize("listener", ["local", "public"])
async def test_beyond_the_limit_there_is_429_with_the_time_to_wait(
    node: Node, listener: str
) -> None:
    node.limits(LIMIT)
    app = node.local_app() if listener == "local" else node.public_app()
    async for served in serve(app):
        assert [await get(served) for _ in range(LIMIT)] == [200] * LIMIT
        node.now_ms = 12_345
        async with served.client.get("/node/info") as response:
            assert response.status == 429
            assert await problem(response) == "rate-limited"
            assert response.headers["Retry-After"] == "48"
            assert response.headers["RateLimit-Policy"] == '"address";q=5;w=60'
            assert response.headers["RateLimit"] == '"address";r=0;t=48'
        assert await get(served, "/nothing") == 429
        node.now_ms = 60_000
        assert await get(served) == 200


async def test_the_operator_is_never_limited_and_a_wrong_token_is_as_good_as_none(
    node: Node,
) -> None:
    node.limits(LIMIT)
    async for served in serve(node.local_app()):
        statuses = [await get(served, **OPERATOR) for _ in range(3 * LIMIT)]
        assert statuses == [200] * 3 * LIMIT
        wrong = {"Authorization": "Bearer wrong"}
        statuses = [await get(served, "/blocks", **wrong) for _ in range(LIMIT + 1)]
        assert statuses == [401] * LIMIT + [429]
        assert await get(served, **OPERATOR) == 200


async def test_a_large_answer_is_charged_by_its_size(node: Node) -> None:
    node.limits(LIMIT)
    block_id = node.store.keep(b"x" * 3 * 1024 * 1024)
    async for served in serve(node.public_app()):
        path = f"/blocks/{block_id}"
        async with served.client.head(path) as response:
            assert response.status == 200
        assert await get(served, path) == 200
        assert await get(served, path) == 429


async def test_a_handshake_costs_more_and_is_refused_before_it_begins(node: Node) -> None:
    node.limits(LIMIT)
    async for served in serve(node.public_app()):
        assert [await get(served, "/ws") for _ in range(3)] == [200, 200, 429]


async def test_a_peers_write_costs_more_and_each_batch_on_top(node: Node) -> None:
    node.limits(20)
    async for served in serve(node.public_app()):
        peer = PeerClient(served)
        await peer.begin()
        statuses = []
        for count in (10, 1, 1):
            batches = [peer.sign("batch", "a", seq=number) for number in range(count)]
            request = peer.request("/sync/temperature", {"batches": batches})
            statuses.append((await peer.post("/sync/temperature", request))[0])
        assert statuses == [200, 200, 429]


async def test_asking_for_many_blocks_costs_more(node: Node) -> None:
    node.limits(20)
    async for served in serve(node.public_app()):
        peer = PeerClient(served)
        await peer.begin()
        body = {"blockIds": [f"{number:0128x}" for number in range(380)]}
        request = peer.request("/sync/request", body)
        assert (await peer.post("/sync/request", request))[0] == 200
        request = peer.request("/sync/request", {"blockIds": []})
        assert (await peer.post("/sync/request", request))[0] == 429


async def test_too_many_windows_over_the_limit_shut_out(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.limits(LIMIT)
    monkeypatch.setattr(node.gate, "is_exempt", lambda _: False)  # this test comes from loopback
    async for served in serve(node.local_app()):
        for window in range(3):
            node.now_ms = window * 60_000
            statuses = [await get(served) for _ in range(LIMIT + 1)]
            assert statuses == [200] * LIMIT + [429]
        node.now_ms = 3 * 60_000 - 1
        async with served.client.get("/node/info") as response:
            assert response.status == 403
            assert await problem(response) == "shut-out"
        assert await get(served, **OPERATOR) == 200
        assert node.gate.shut_out() == {"node": 1, "operator": 0}
        assert node.gate.turned_away == 1


async def test_loopback_is_limited_and_never_shut_out(node: Node) -> None:
    node.limits(LIMIT, threshold=1)
    async for served in serve(node.local_app()):
        assert [await get(served) for _ in range(LIMIT + 2)] == [200] * LIMIT + [429] * 2
    assert node.gate.shut_out() == {"node": 0, "operator": 0}


async def test_the_operator_sees_and_changes_who_is_shut_out(local: Served) -> None:
    async with asyncio.timeout(10):
        for path in ("/blacklist", "/blacklist/192.0.2.7"):
            async with local.client.delete(path) as response:
                assert response.status in (401, 405)
        async with local.client.get("/blacklist") as response:
            assert response.status == 401
        body = {"address": "192.0.2.7", "duration": 60}
        async with local.client.post("/blacklist", json=body, headers=OPERATOR) as response:
            assert response.status == 201
            entry = await response.json()
        assert entry["address"] == "192.0.2.7"
        async with local.client.get("/blacklist", headers=OPERATOR) as response:
            assert await response.json() == {"blacklist": [entry]}
        path = "/blacklist/192.0.2.7"
        async with local.client.delete(path, headers=OPERATOR) as response:
            assert response.status == 204
        async with local.client.delete(path, headers=OPERATOR) as response:
            assert response.status == 404
            assert await problem(response) == "not-shut-out"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"address": "node.example"}, 400, "bad-body"),
        ({"address": "192.0.2.0/24"}, 400, "bad-body"),
        ({"address": "192.0.2.7", "duration": 0}, 400, "bad-body"),
        ({"address": "192.0.2.7", "duration": "1h"}, 400, "bad-body"),
        ({"address": "127.0.0.1"}, 409, "never-shut-out"),
    ],
)
async def test_what_cannot_be_shut_out_is_refused(
    local: Served, body: dict[str, object], status: int, code: str
) -> None:
    async with local.client.post("/blacklist", json=body, headers=OPERATOR) as response:
        assert response.status == status
        assert await problem(response) == code
