"""Closed networks: by a secret, by a list, by memberships; strangers neither link nor read."""

import asyncio
import json
import re
import time
from collections.abc import Callable

import aiohttp
import pytest

from edgenode.core.membership import Membership, encode_text, sign_membership
from edgenode.crypto import SigningKey, new_seed
from tests.integration.support.node import NETWORK, Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import new_identity
from tests.integration.support.session import ask_session

SECRET = "c4f1d2a09b8e7765c4f1d2a09b8e7764"
OTHER = "d4f1d2a09b8e7765c4f1d2a09b8e7764"
DAY_MS = 24 * 3600 * 1000


async def known_id(node: Node) -> str:
    """Start and stop it, which makes its key."""
    await node.start()
    await node.stop()
    return node.node_id


async def refused(dialling: Node, reason: str) -> None:
    await dialling.logged(f"peer 127.0.0.1:\\d+: {reason}")


async def read(node: Node, path: str, method: str = "GET") -> tuple[int, dict[str, object]]:
    """Ask a node's peer port as a stranger."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{node.ws_port}{path}") as response,
    ):
        text = await response.read()
        return response.status, json.loads(text) if text else {}


async def test_the_same_secret_links_and_any_other_does_not(nodes: Nodes) -> None:
    a, b = nodes.make("a"), nodes.make("b")
    a.belongs = b.belongs = f'secret = "{SECRET}"'
    await a.start()
    b.dials = [a.ws_port]
    await b.start()
    await asyncio.gather(a.linked_with(b), b.linked_with(a))
    block_id = await a.rest.post(b"for friends")
    assert (await b.rest.get(block_id)).body == b"for friends"
    for name, belongs in (("stranger", ""), ("wrong", f'secret = "{OTHER}"')):
        other = nodes.make(name, dials=[a.ws_port])
        other.belongs = belongs
        await other.start()
        await refused(other, "wrong-network")
        assert (await other.rest.status())["peers"] == 0
    # It is the other side that asks here: the stranger is dialled.
    c = nodes.make("c", dials=[other.ws_port])
    c.belongs = f'secret = "{SECRET}"'
    await c.start()
    await refused(c, "wrong-network: the peer has another secret")
    # A wrong setting is no fault to be shut out for: put right, it links.
    await other.stop()
    other.belongs = f'secret = "{SECRET}"'
    await other.start()
    await other.linked_with(a)
    assert SECRET not in "".join(a.lines + b.lines + c.lines)


async def test_a_secret_from_a_file(nodes: Nodes) -> None:
    a, b = nodes.make("a"), nodes.make("b")
    file = a.data_dir.parent / "secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o644)
    a.belongs, b.belongs = f'secret_file = "{file}"', f'secret = "{SECRET}"'
    await a.start()
    await a.logged("every user can read it")
    b.dials = [a.ws_port]
    await b.start()
    await b.linked_with(a)


async def test_members_by_list_on_either_side(nodes: Nodes) -> None:
    a, b, stranger = nodes.make("a"), nodes.make("b"), nodes.make("stranger")
    a_id, b_id = await known_id(a), await known_id(b)
    a.belongs = b.belongs = f'members = ["{a_id}", "{b_id}"]'
    await a.start()
    b.dials = stranger.dials = [a.ws_port]
    await b.start()
    await b.linked_with(a)
    await stranger.start()
    await refused(stranger, "not-a-member")
    # A member that dials a stranger takes him no more than when he dials.
    lonely = nodes.make("lonely", dials=[stranger.ws_port])
    lonely.belongs = a.belongs
    await lonely.start()
    await refused(lonely, "not-a-member: the node is not a member")
    # Taken from the list and started again, it is out.
    await a.stop()
    a.belongs = f'members = ["{a_id}"]'
    seen = len(b.lines)
    await a.start()
    await b.logged("not-a-member", since=seen)
    assert (await a.rest.status())["peers"] == 0


async def test_members_of_a_fleet(nodes: Nodes) -> None:
    operator = SigningKey(new_seed())
    fleet = f"""members = ["fleet"]
[fleet]
operators = ["{operator.public_key.hex()}"]"""

    def grant(node: Node, days: int | None, key: SigningKey = operator) -> None:
        now_ms = time.time_ns() // 1_000_000
        until = None if days is None else now_ms + days * DAY_MS
        signed = sign_membership(
            Membership(node.node_id, until), NETWORK, key.public_key, now_ms, key.sign
        )
        (node.data_dir / "membership.json").write_bytes(encode_text(signed))

    a, b = nodes.make("a"), nodes.make("b")
    for node in (a, b):
        node.belongs = fleet
        await known_id(node)
    grant(a, None)
    await a.start()
    b.dials = [a.ws_port]
    refusals: list[Callable[[], None]] = [
        lambda: None,  # it has none
        lambda: grant(b, -1),
        lambda: grant(b, 1, SigningKey(new_seed())),
    ]
    for prepare in refusals:
        prepare()
        seen = len(b.lines)
        await b.start()
        await b.logged("not-a-member: closed by the peer", since=seen)
        await b.stop()
    assert any(re.search("not-a-member .*membership has ended", line) for line in a.lines)
    assert any(re.search("not-a-member .*signed by a key unknown", line) for line in a.lines)
    grant(b, 1)
    await b.start()
    await asyncio.gather(a.linked_with(b), b.linked_with(a))


@pytest.mark.parametrize("belongs", [f'secret = "{SECRET}"', "members = ['fleet']"])
async def test_a_stranger_reads_nothing(nodes: Nodes, belongs: str) -> None:
    node = nodes.make("a")
    node.belongs = belongs
    if "fleet" in belongs:
        node.belongs += f"\n[fleet]\noperators = ['{new_identity().node_id}']"
    await node.start()
    block_id = await node.rest.post(b"secret")
    for path in (
        *("/node/info", "/node/status", "/observed", "/openapi.json", "/reach/00", "/nothing"),
        *(f"/blocks/{block_id}", f"/blocks/{block_id}/metadata"),
    ):
        status, problem = await read(node, path)
        assert (status, problem["type"]) == (401, "urn:edgenode:problem:session-needed"), path
    assert (await read(node, "/peers/announce", "POST"))[0] == 401
    # Nor does he get a session, whatever key he has.
    async with aiohttp.ClientSession() as session:
        status, problem = await ask_session(session, node, new_identity())
    assert (status, problem["type"]) == (403, "urn:edgenode:problem:not-a-member")


async def test_an_open_network_answers_everyone(nodes: Nodes) -> None:
    node = await nodes.start("a")
    for path in ("/node/info", "/node/status", "/observed"):
        assert (await read(node, path))[0] == 200
