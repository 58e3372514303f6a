"""Records among three nodes in a line: what is told at one is seen at all."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.records import (
    QUICK,
    Viewer,
    seen_at,
    set_class,
    set_metadata,
    some_id,
)
from tests.integration.support.wait import eventually


class Line:
    """Three nodes: a - b - c."""

    def __init__(self, nodes: Nodes, a: Node, b: Node, c: Node) -> None:
        self.nodes = nodes
        self.a, self.b, self.c = a, b, c
        self.all = [a, b, c]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Line]:
    async with Nodes(tmp_path_factory.mktemp("line")) as nodes:
        a = await nodes.start("a", more_config=QUICK + '[node]\nregion = "north"\n')
        b = await nodes.start("b", dials=[a.ws_port], more_config=QUICK)
        c = await nodes.start("c", dials=[b.ws_port], more_config=QUICK)
        await b.linked_with(a)
        await c.linked_with(b)
        yield Line(nodes, a, b, c)


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_temperature_is_seen_at_the_other_end_and_back(line: Line) -> None:
    block = some_id("temperature")
    await set_class(line.a, block, "HOT")
    found = await seen_at(line.c, block, lambda it: it["temperature"]["class"] == "HOT")
    assert found["temperature"]["origins"] == [{"nodeId": line.a.node_id, "class": "HOT"}]
    assert not found["held"]

    await set_class(line.c, block, "VIRAL")
    found = await seen_at(line.a, block, lambda it: it["temperature"]["class"] == "VIRAL")
    assert {item["nodeId"]: item["class"] for item in found["temperature"]["origins"]} == {
        line.a.node_id: "HOT",
        line.c.node_id: "VIRAL",
    }

    await set_class(line.c, block, None)  # nobody asked for it there: nothing to derive
    await seen_at(line.a, block, lambda it: it["temperature"]["class"] == "HOT")


async def test_metadata_and_the_keys_of_the_user(line: Line) -> None:
    block = some_id("metadata")
    at_a = {"durabilityLevel": "archive", "user": {"name": "café", "kind": "log"}}
    at_c = {"size": 7, "expiresAt": 1_900_000_000_000, "user": {"name": "other", "more": "m"}}
    await set_metadata(line.a, block, at_a)
    await set_metadata(line.c, block, at_c)
    for node in line.all:
        found = await seen_at(node, block, lambda it: len(it["origins"]) == 2)
        assert {item["nodeId"]: item["metadata"] for item in found["origins"]} == {
            line.a.node_id: at_a,
            line.c.node_id: at_c,
        }
        assert (found["durabilityLevel"], found["size"]) == ("archive", 7)
        assert found["expiresAt"].startswith("2030-03-17T")
        assert {key: found["user"][key] for key in ("kind", "more")} == {"kind": "log", "more": "m"}
    for node, own in ((line.a, "café"), (line.c, "other")):  # oneself first
        assert (await seen_at(node, block, bool))["user"]["name"] == own

    await set_metadata(line.a, block, {"user": {"name": "new"}})  # the whole record, anew
    found = await seen_at(line.c, block, lambda it: it["durabilityLevel"] is None)
    assert "kind" not in found["user"]
    await set_metadata(line.a, block, None)
    found = await seen_at(line.b, block, lambda it: len(it["origins"]) == 1)
    assert found["user"] == at_c["user"]
    await set_metadata(line.c, block, None)

    async def unknown() -> bool:
        return [await node.rest.metadata(block) for node in line.all] == [None] * 3

    await eventually(unknown, "withdrawn everywhere")


async def test_location_comes_with_a_put_and_goes_with_a_delete(line: Line) -> None:
    content = b"somewhere in the line"
    block = await line.a.rest.post(content)
    for node in line.all:
        found = await seen_at(node, block, lambda it: bool(it["locations"]))
        (location,) = found["locations"]
        assert (location["nodeId"], location["size"]) == (line.a.node_id, len(content))
        assert found["size"] == len(content)
        assert found["createdAt"]
        assert found["held"] == (node is line.a)

    assert (await line.c.rest.get(block, operator=False)).status == 404
    assert (await line.b.rest.get(block)).body == content  # a holder is linked
    both = {line.a.node_id, line.b.node_id}
    for node in line.all:
        await seen_at(node, block, lambda it: {i["nodeId"] for i in it["locations"]} == both)

    await line.a.rest.delete(block)
    for node in line.all:
        await seen_at(
            node, block, lambda it: [i["nodeId"] for i in it["locations"]] == [line.b.node_id]
        )


async def test_health_of_the_network(line: Line) -> None:
    await line.b.rest.post(b"one more block")

    async def healthy() -> bool:
        found = [await node.rest.health() for node in line.all]
        return all(health["activeNodes"] == 3 for health in found)

    await eventually(healthy, "all three are active", timeout_s=15.0)
    health = await line.b.rest.health()
    assert health["totalBlocks"] >= 1
    assert 0 < health["averageRedundancy"] <= 3
    # Of those it is linked with, it knows the region; b is told that of a by a itself.
    assert health["regionDistribution"] == {"north": 1, "unknown": 2}


async def test_events_show_records_and_who_comes_and_goes(line: Line) -> None:
    viewer = await Viewer.watch(line.nodes.session, line.b)
    block = await line.a.rest.post(b"an event")
    event = await viewer.next("metadata:update", lambda data: data.get("blockId") == block)
    assert event["sender"] == line.a.node_id

    held = some_id("shown")
    await set_class(line.a, held, "HOT")
    event = await viewer.next("block:temperature", lambda data: data["blockId"] == held)
    assert (event["sender"], event["data"]["temperature"]) == (line.a.node_id, "HOT")
    assert event["timestamp"] > 1_700_000_000_000

    status, _ = await line.a.rest.write(f"/blocks/{block}/location", {"held": False})
    assert status == 200
    event = await viewer.next("block:location", lambda data: data["blockId"] == block)
    assert (event["sender"], event["data"]["held"]) == (line.a.node_id, False)
    status, _ = await line.a.rest.write(f"/blocks/{block}/location", {"held": True})
    assert status == 200

    guest = await line.nodes.start("guest", dials=[line.b.ws_port], more_config=QUICK)
    event = await viewer.next("node:announce", lambda data: data["wsPort"] == guest.ws_port)
    assert event["sender"] == guest.node_id
    await guest.stop()
    event = await viewer.next("node:leave", lambda data: True)
    assert (event["sender"], event["data"]["reason"]) == (guest.node_id, "stopping")
    await viewer.close()
