"""The pins of the REST interface."""

import pytest

from .conftest import OPERATOR, Node, Served

ID = "ab" * 64
PIN = f"/blocks/{ID}/pin"


async def call(served: Served, method: str, path: str, operator: bool = True) -> tuple[int, str]:
    """Call; return the status and the code of a problem."""
    headers = OPERATOR if operator else {}
    async with served.client.request(method, path, headers=headers) as answer:
        if answer.content_type != "application/problem+json":
            return answer.status, ""
        type_ = str((await answer.json())["type"])
        return answer.status, type_.removeprefix("urn:edgenode:problem:")


async def test_a_block_is_pinned_listed_and_unpinned(local: Served, node: Node) -> None:
    assert await call(local, "PUT", PIN) == (204, "")
    async with local.client.get("/pins", headers=OPERATOR) as listed:
        assert await listed.json() == {"pins": [{"blockId": ID, "held": False}]}
    node.pins.held = {ID}
    async with local.client.get("/pins", headers=OPERATOR) as listed:
        assert await listed.json() == {"pins": [{"blockId": ID, "held": True}]}
    assert await call(local, "DELETE", PIN) == (204, "")
    assert await call(local, "DELETE", PIN) == (404, "not-pinned")


async def test_what_is_pinned_is_not_deleted(local: Served, node: Node) -> None:
    async with local.client.post("/blocks", data=b"kept", headers=OPERATOR) as stored:
        block_id = (await stored.json())["blockId"]
    assert await call(local, "PUT", f"/blocks/{block_id}/pin") == (204, "")
    assert await call(local, "DELETE", f"/blocks/{block_id}") == (409, "block-pinned")
    async with local.client.get(f"/blocks/{block_id}") as found:
        assert await found.read() == b"kept"
    assert await call(local, "DELETE", f"/blocks/{block_id}/pin") == (204, "")
    assert await call(local, "DELETE", f"/blocks/{block_id}") == (204, "")


async def test_there_is_a_bound(local: Served, node: Node) -> None:
    node.pins.room = 0
    assert await call(local, "PUT", PIN) == (409, "pins-full")


async def test_an_id_that_is_none_is_refused(local: Served) -> None:
    assert await call(local, "PUT", "/blocks/zz/pin") == (400, "bad-block-id")


@pytest.mark.parametrize(("method", "path"), [("GET", "/pins"), ("PUT", PIN), ("DELETE", PIN)])
async def test_pins_are_for_the_operator_on_the_http_port(
    local: Served, public: Served, method: str, path: str
) -> None:
    assert await call(local, method, path, operator=False) == (401, "not-authorized")
    assert await call(public, method, path) == (404, "not-found")
