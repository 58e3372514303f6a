"""Invitations over REST: the operator's alone, but for the line without a secret."""

import pytest

from .conftest import OPERATOR, Node, Served
from .plain_inviting import LINE, NODE
from .test_openapi import check


async def test_the_line_is_for_all_and_the_secret_for_the_operator(local: Served) -> None:
    async with local.client.get("/invitation") as response:
        assert (await response.json())["line"] == LINE
        await check(response, "GET", "/invitation")
    for headers, status in (({}, 401), ({"Authorization": "Bearer wrong"}, 401), (OPERATOR, 200)):
        async with local.client.get("/invitation?secret=1", headers=headers) as response:
            assert response.status == status
            await check(response, "GET", "/invitation")
            assert ("secret" in await response.text()) == (status == 200)
    async with local.client.get("/invitation?secret=yes") as response:
        assert response.status == 400
        await check(response, "GET", "/invitation")


async def test_a_node_that_cannot_invite_says_why(local: Served, node: Node) -> None:
    node.inviting.alone = True
    async with local.client.get("/invitation") as response:
        assert response.status == 409
        assert "no address yet" in (await response.json())["detail"]
        await check(response, "GET", "/invitation")


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [(LINE, 200, '"linked"'), ("cut", 400, "is cut"), ("conflict", 409, "network.id is another")],
)
async def test_joining(local: Served, node: Node, line: str, status: int, said: str) -> None:
    async with local.client.post("/join", json={"line": line}, headers=OPERATOR) as response:
        assert response.status == status
        assert said in await response.text()
        await check(response, "POST", "/join")
    assert len(node.inviting.nodes) == (status == 200)


async def test_all_that_changes_is_for_the_operator(local: Served, node: Node) -> None:
    for path in ("/join", "/joined/forget"):
        async with local.client.post(path, json={"line": LINE, "name": NODE}) as response:
            assert response.status == 401
            await check(response, "POST", path)
    async with local.client.get("/joined") as response:
        assert response.status == 401
    assert node.inviting.nodes == []


async def test_what_is_kept_and_forgetting_it(local: Served) -> None:
    async with local.client.post("/join", json={"line": LINE}, headers=OPERATOR):
        pass
    async with local.client.get("/joined", headers=OPERATOR) as response:
        assert [node["nodeId"] for node in (await response.json())["nodes"]] == [NODE]
        await check(response, "GET", "/joined")
    for status in (200, 404):
        body = {"name": NODE}
        async with local.client.post("/joined/forget", json=body, headers=OPERATOR) as response:
            assert response.status == status
            await check(response, "POST", "/joined/forget")
