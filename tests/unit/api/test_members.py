"""The peer port of a closed network, for members and for others."""

from collections.abc import AsyncIterator

import pytest

from .conftest import NODE_ID, Node, Served, serve
from .peers import PeerClient, outcome
from .test_openapi import check

READS = ("/node/info", "/node/status", "/openapi.json")
KNOWN, UNKNOWN = "ab" * 16, "cd" * 16


@pytest.fixture
async def closed(node: Node) -> AsyncIterator[Served]:
    """The peer port of a network to which nobody who is linked belongs by his address."""
    node.linked_at = lambda _: False
    async for served in serve(node.public_app()):
        yield served


async def status(served: Served, path: str, **headers: str) -> int:
    async with served.client.get(path, headers=headers) as response:
        if response.status == 401:
            assert (await outcome(response))[1] == "session-needed"
        return response.status


async def test_a_stranger_learns_nothing(closed: Served) -> None:
    for path in (*READS, "/observed", f"/reach/{UNKNOWN}", "/nothing", "/blocks/zz", "/ws/"):
        for headers in ({}, {"Authorization": f"Bearer {NODE_ID}"}):
            assert await status(closed, path, **headers) == 401, path
    async with closed.client.post("/peers/announce", json={}) as response:
        assert response.status == 401


async def test_who_has_a_session_reads(closed: Served) -> None:
    peer = PeerClient(closed)
    await peer.begin()
    for path in (*READS, "/observed"):
        assert await status(closed, path, Authorization=f"Bearer {peer.token}") == 200
    assert await status(closed, "/nothing", Authorization=f"Bearer {peer.token}") == 404


async def test_a_session_ends_when_the_node_belongs_no_more(closed: Served, node: Node) -> None:
    peer = PeerClient(closed)
    await peer.begin()
    node.refused[peer.node_id] = "not-a-member"
    assert await status(closed, "/node/info", Authorization=f"Bearer {peer.token}") == 401
    answer = peer.answer(await peer.challenge())
    async with closed.client.post("/auth/session", json=answer) as response:
        await check(response, "POST", "/auth/session")
        assert (await outcome(response))[:2] == (403, "not-a-member")


async def test_a_knock_that_a_member_has_asked_for(closed: Served) -> None:
    assert await status(closed, f"/reach/{KNOWN}") == 204


async def test_a_member_is_told_how_it_looks_from_here(closed: Served, node: Node) -> None:
    node.linked_at = lambda address: address == "127.0.0.1"
    async for served in serve(node.public_app()):
        assert await status(served, "/observed") == 200
        assert await status(served, "/node/info") == 401


async def test_links_are_begun_by_anyone(closed: Served) -> None:
    assert await status(closed, "/ws") not in (401, 403)


async def test_an_open_network(public: Served) -> None:
    for path in (*READS, "/observed"):
        assert await status(public, path) == 200
