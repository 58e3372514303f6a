"""The node's own state, as JSON."""

from .conftest import Node, Served

PEER = {
    "nodeId": "cd" * 32,
    "address": "192.0.2.7",
    "httpPort": None,
    "wsPort": 4242,
    "lastSeen": "2026-01-02T03:04:05.678Z",
    "capabilities": ["blocks"],
    "status": "connected",
    "region": "eu",
    "remoteAddress": "192.0.2.7",
    "clockOffset": -12,
    "direction": "inbound",
    "since": "2026-01-02T03:04:05.678Z",
    "roundTrip": 12.5,
}
UNLINKED: dict[str, object] = {
    "nodeId": None,
    "address": "192.0.2.8",
    "httpPort": None,
    "wsPort": 4242,
    "lastSeen": None,
    "capabilities": [],
    "status": "connecting",
    "region": None,
    "lastError": "refused",
}


async def test_state_is_compact_json_that_no_cache_keeps(
    local: Served, public: Served, node: Node
) -> None:
    node.peer_list = [PEER]
    for served, path, expected in (
        (local, "/node/info", node.info()),
        (public, "/node/info", node.info()),
        (local, "/node/peers", {"peers": [PEER]}),
        (local, "/node/discovered", node.discovered()),
        (local, "/node/sync", node.sync),
        (local, "/node/history", node.history),
        (local, "/node/storage", await node.storage()),
    ):
        async with served.client.get(path) as response:
            assert response.status == 200
            assert response.content_type == "application/json"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            text = await response.text()
            assert await response.json() == expected
            assert ": " not in text
            assert ", " not in text


async def test_status_counts_what_went_through(local: Served, node: Node) -> None:
    async with local.client.get("/node/info") as response:
        length = len(await response.read())
    async with local.client.get("/node/status") as response:
        body = await response.json()
    assert body["bandwidth"] == {"in": 0, "out": length, "relayed": 0}
    assert body["operations"] == {"success": 0, "failed": 0}


async def test_head_of_state_has_its_headers(local: Served, public: Served, node: Node) -> None:
    for served in (local, public):
        async with served.client.get("/node/info") as response:
            length = response.headers["Content-Length"]
        before = node.counters.bytes_out
        async with served.client.head("/node/info") as response:
            assert response.status == 200
            assert response.headers["Content-Length"] == length
            assert await response.read() == b""
        assert node.counters.bytes_out == before


async def test_a_knock_is_taken_or_not(public: Served, node: Node) -> None:
    async with public.client.get("/reach/" + "ab" * 16) as response:
        assert (response.status, await response.read()) == (204, b"")
        assert response.headers["Cache-Control"] == "no-store"
    async with public.client.get("/reach/" + "cd" * 16) as response:
        assert response.status == 404
        assert (await response.json())["type"] == "urn:edgenode:problem:not-found"
    assert node.knocks == [("ab" * 16, "127.0.0.1"), ("cd" * 16, "127.0.0.1")]


async def test_nobody_knocks_at_the_http_port(local: Served, node: Node) -> None:
    async with local.client.get("/reach/" + "ab" * 16) as response:
        assert response.status == 404
    assert node.knocks == []
