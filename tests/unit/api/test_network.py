"""The network and the links of the node."""

from typing import Any

import pytest

from edgenode.api.addresses import is_host

from .conftest import OPERATOR, Node, Served
from .plain_records import HEALTH, NODE
from .test_records import post, refusal
from .test_upload import problem


async def test_health_is_for_the_local_network(local: Served, public: Served) -> None:
    async with local.client.get("/network/health") as response:
        assert response.status == 200
        assert await response.json() == HEALTH
    async with public.client.get("/network/health") as response:
        assert response.status == 404


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "node.example", "pi.local."])
async def test_an_address_is_taken(local: Served, node: Node, address: str) -> None:
    body = {"address": address, "port": 4242}
    assert await post(local, "/peers/announce", body, 202) == body
    assert node.records.calls == [("announce", address, 4242)]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"address": None}, "body.address"),
        ({"address": "a b"}, "body.address"),
        ({"address": "x" * 300}, "body.address"),
        ({"port": None}, "body.port"),
        ({"port": 0}, "body.port"),
        ({"port": 65536}, "body.port"),
        ({"port": "4242"}, "body.port"),
        ({"port": True}, "body.port"),
    ],
)
async def test_what_is_no_address_is_refused(
    local: Served, node: Node, change: dict[str, Any], path: str
) -> None:
    body = {"address": "192.0.2.7", "port": 4242} | change
    assert (await refusal(local, "/peers/announce", body)).startswith(f"{path}: ")
    assert node.records.calls == []


async def test_a_link_is_ended(local: Served, node: Node) -> None:
    path = "/peers/disconnect"
    async with local.client.post(path, json={"nodeId": NODE}, headers=OPERATOR) as response:
        assert response.status == 204
        assert await response.read() == b""
    async with local.client.post(path, json={"nodeId": "ef" * 32}, headers=OPERATOR) as response:
        assert response.status == 404
        assert await problem(response) == "peer-not-linked"
    assert node.records.calls == [("disconnect", NODE), ("disconnect", "ef" * 32)]


@pytest.mark.parametrize("node_id", [None, "", "EF" * 32, "ef" * 31, "ef" * 33, 5])
async def test_what_is_no_node_is_refused(local: Served, node: Node, node_id: object) -> None:
    detail = await refusal(local, "/peers/disconnect", {"nodeId": node_id})
    assert detail.startswith("body.nodeId: ")
    assert node.records.calls == []


@pytest.mark.parametrize(
    "text",
    ["192.0.2.7", "::1", "2001:db8::7", "fe80::1%eth0", "localhost", "node.example", "a.b.c.",
     "my_pi.local", "1.example", "xn--bcher-kva.example", "x" * 63 + ".a", ("x" * 62 + ".") * 4],
)  # fmt: skip
def test_hosts(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "a..b", "-a", "a-", "a b", "a/b", "http://a", "a:1", "[::1]", "192.0.2", "192.0.2.7.",
     "1", "0x7f000001", "256.1.1.1", "192.0.2.7%eth0", "2001:db8::7%eth0", "fe80::1%", "ü.example",
     "fe80::1%a b", "fe80::1%" + "x" * 16, "x" * 64, ("x" * 63 + ".") * 4, "a\n", "a\0", "::g"],
)  # fmt: skip
def test_what_is_no_host(text: str) -> None:
    assert not is_host(text)
