"""Links between two nodes: one at a time, renewed, never with a copy of oneself."""

import asyncio
import shutil
import time

from tests.integration.support.nodes import Nodes
from tests.integration.support.proxy import Proxy
from tests.integration.support.wait import eventually

ROUNDS = 4


async def test_nodes_that_dial_each_other_at_once_keep_the_same_single_link(nodes: Nodes) -> None:
    async with Proxy() as to_a, Proxy() as to_b:
        for line in (to_a, to_b):
            line.freeze()
        a = await nodes.start("a", dials=[to_b.port])
        b = await nodes.start("b", dials=[to_a.port])
        to_a.target_port, to_b.target_port = a.ws_port, b.ws_port
        stays, goes = (to_b, to_a) if a.node_id < b.node_id else (to_a, to_b)

        for _ in range(ROUNDS):
            counts = [(line, line.opened) for line in (to_a, to_b)]

            async def both_dialled(counts: list[tuple[Proxy, int]] = counts) -> bool:
                return all(line.accepted > opened for line, opened in counts)

            async def one_left(counts: list[tuple[Proxy, int]] = counts) -> bool:
                tried = all(line.opened > opened for line, opened in counts)
                return tried and (stays.connections, goes.connections) == (1, 0)

            await eventually(both_dialled, "both have dialled", timeout_s=20)
            for line in (to_a, to_b):
                line.flow()
            await eventually(one_left, "only the link dialled by the lower id is left")
            for node, other in ((a, b), (b, a)):
                assert (await node.rest.status())["peers"] == 1
                (info,) = await node.rest.peers()
                assert (info["nodeId"], info["status"]) == (other.node_id, "connected")
            for line in (to_a, to_b):
                line.freeze()
                line.cut()


async def test_link_comes_back_after_either_end_restarts(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    for ended in (a, b):
        for end in (ended.stop, ended.kill):
            seen = {node: len(node.lines) for node in (a, b)}
            await end()
            await ended.start()
            await a.linked_with(b, since=seen[a])
            await b.linked_with(a, since=seen[b])
            assert [(await node.rest.status())["peers"] for node in (a, b)] == [1, 1]


async def test_each_side_says_when_it_stops(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    await b.stop()
    await a.logged(f"{b.node_id} leaves: stopping")
    (info,) = await a.rest.peers()
    assert info["status"] == "disconnected"
    seen = len(a.lines)
    await b.start()
    await a.linked_with(b, since=seen)
    await a.stop()
    await b.logged(f"{a.node_id} leaves: stopping")
    (info,) = await b.rest.peers()
    assert info["status"] == "connecting"


async def test_restarted_peer_takes_the_place_of_its_dead_link(nodes: Nodes) -> None:
    """The old connection stays open at the other end, as after a power cut."""
    async with Proxy() as line:
        a = await nodes.start("a")
        line.target_port = a.ws_port
        b = await nodes.start("b", dials=[line.port])
        await a.linked_with(b)
        line.freeze()
        await b.kill()
        b.dials = [a.ws_port]
        seen = {node: len(node.lines) for node in (a, b)}
        began = time.monotonic()
        await b.start()
        await a.linked_with(b, since=seen[a])
        # Or else only after the 40 s in which silence is noticed.
        assert time.monotonic() - began < 15
        assert (await a.rest.status())["peers"] == 1
        assert not any("clone" in text for text in a.lines)
        held = await b.rest.post(b"over the new link")
        assert (await a.rest.get(held)).body == b"over the new link"


async def test_clone_is_refused_and_reported(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    held = await b.rest.post(b"held by the first of the two")
    copy = nodes.make("copy", dials=[a.ws_port])
    await asyncio.to_thread(shutil.copytree, b.data_dir, copy.data_dir)
    seen = len(b.lines)
    await copy.start()
    assert copy.node_id == b.node_id
    await a.logged(f"WARNING .*two live processes show the identity {b.node_id}")
    await copy.logged(r"WARNING .*: clone")
    (info,) = await copy.rest.peers()
    assert (info["status"], info["lastError"]) == ("connecting", "clone")
    assert (await a.rest.status())["peers"] == 1
    assert not any("ended" in text for text in b.lines[seen:])
    assert (await a.rest.get(held)).status == 200


async def test_clones_refuse_one_another(nodes: Nodes) -> None:
    b = await nodes.start("b")
    await b.stop()
    copy = nodes.make("copy", dials=[b.ws_port])
    await asyncio.to_thread(shutil.copytree, b.data_dir, copy.data_dir)
    await b.start()
    await copy.start()
    await copy.logged(r"WARNING .*: clone")
    await b.logged("refused a link .*clone")


async def test_node_that_dials_itself_stops_trying(nodes: Nodes) -> None:
    async with Proxy() as line:
        line.freeze()
        node = await nodes.start("node", dials=[line.port])
        line.target_port = node.ws_port
        line.flow()
        await node.logged(r"WARNING .*: self")
        (info,) = await node.rest.peers()
        assert info["lastError"].startswith("self")
        assert (await node.rest.status())["peers"] == 0
        await asyncio.sleep(0.5)  # any other failure would be tried again within 0.1 s
        assert line.accepted == 1
