"""What REST and the commands do with records, at nodes as they are: asked, fetched, linked."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.records import QUICK, seen_at, set_class, some_id
from tests.integration.support.rest import TIMEOUT
from tests.integration.support.wait import eventually

COMMAND_S = 20.0


class Two:
    """Two nodes that are linked."""

    def __init__(self, nodes: Nodes, a: Node, b: Node) -> None:
        self.nodes = nodes
        self.a, self.b = a, b


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    async with Nodes(tmp_path_factory.mktemp("two")) as nodes:
        a = await nodes.start("a", more_config=QUICK)
        b = await nodes.start("b", dials=[a.ws_port], more_config=QUICK)
        await b.linked_with(a)
        await a.linked_with(b)
        yield Two(nodes, a, b)


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_request_sorts_blocks_and_fetches_those_elsewhere(two: Two) -> None:
    here, there = await two.b.rest.post(b"held here"), await two.a.rest.post(b"held there")
    nowhere = some_id("nowhere")
    await seen_at(two.b, there, lambda it: bool(it["locations"]))
    body: dict[str, Any] = {"blockIds": [here, there, nowhere]}
    sorted_ = {
        "available": [here],
        "elsewhere": [{"blockId": there, "nodeIds": [two.a.node_id]}],
        "unknown": [nowhere],
    }
    assert await two.b.rest.write("/sync/request", body) == (200, {**sorted_, "queued": 0})
    assert (await two.b.rest.get(there, operator=False)).status == 404  # nobody has fetched it
    body["queue"] = True
    assert await two.b.rest.write("/sync/request", body) == (200, {**sorted_, "queued": 1})

    async def fetched() -> bool:
        return (await two.b.rest.get(there, local=True)).body == b"held there"

    await eventually(fetched, "what was queued is fetched")
    answer = await two.b.rest.write("/sync/request", {"blockIds": [there]})
    assert answer[1]["available"] == [there]


async def test_temperatures_of_many_blocks(two: Two) -> None:
    wanted = {some_id(f"many {number}"): "HOT" if number % 2 else "COLD" for number in range(100)}
    updates = [{"blockId": block, "temperature": class_} for block, class_ in wanted.items()]
    answer = await two.a.rest.write("/sync/temperature", {"updates": updates})
    assert answer == (200, {"accepted": 100})
    for block, class_ in wanted.items():
        found = await seen_at(two.b, block, lambda it: it["temperature"]["class"] is not None)
        assert found["temperature"] == {
            "class": class_,
            "origins": [{"nodeId": two.a.node_id, "class": class_}],
        }


async def test_an_announced_address_is_dialled_and_a_link_is_ended(two: Two) -> None:
    alone = await two.nodes.start("alone", more_config=QUICK)
    assert await alone.rest.peers() == []
    body: dict[str, Any] = {"address": "127.0.0.1", "port": two.a.ws_port}
    status, _ = await alone.rest.write("/peers/announce", body)
    assert status == 202

    async def linked() -> bool:
        found = [peer for peer in await two.a.rest.peers() if peer["nodeId"] == alone.node_id]
        return [peer["status"] for peer in found] == ["connected"]

    await eventually(linked, "the announced node is linked")
    token = (alone.data_dir / "operator.token").read_text().strip()
    async with two.nodes.session.post(
        alone.rest.base + "/peers/disconnect",
        json={"nodeId": two.a.node_id},
        headers={"Authorization": f"Bearer {token}"},
        timeout=TIMEOUT,
    ) as response:
        assert response.status == 204

    async def apart() -> bool:
        return not await linked()

    await eventually(apart, "the link is ended")
    status, problem = await alone.rest.write("/peers/disconnect", {"nodeId": two.a.node_id})
    assert (status, problem["type"]) == (404, "urn:edgenode:problem:peer-not-linked")


async def run(node: Node, *arguments: str) -> list[str]:
    """Run a command at a node; return its lines."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgenode", *arguments),
        *("--data-dir", str(node.data_dir)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(COMMAND_S):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode().splitlines()


async def test_the_commands_of_records(two: Two) -> None:
    block = await two.a.rest.post(b"for the commands")
    assert block in " ".join(await run(two.a, "blocks"))
    await run(two.a, "temp", block, "HOT")
    await seen_at(two.b, block, lambda it: it["temperature"]["class"] == "HOT")
    assert await run(two.b, "temp", block) == ["HOT"]
    shown = json.loads("".join(await run(two.b, "meta", block, "--json")))
    assert (shown["blockId"], shown["held"]) == (block, False)
    assert [it["nodeId"] for it in shown["locations"]] == [two.a.node_id]
    health = json.loads("".join(await run(two.b, "health", "--json")))
    assert health["activeNodes"] >= 1


async def test_the_command_that_watches(two: Two) -> None:
    watching = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgenode", "watch", "--json"),
        *("--data-dir", str(two.b.data_dir)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert watching.stdout is not None
    block = some_id("watched")
    try:
        async with asyncio.timeout(COMMAND_S):
            while True:
                # It may not watch yet: what changes again is shown again.
                for class_ in ("HOT", "COLD"):
                    await set_class(two.a, block, class_)
                line = asyncio.create_task(watching.stdout.readline())
                await asyncio.wait([line], timeout=0.5)
                if line.done():
                    break
                line.cancel()
            event = json.loads(line.result())
            assert event["type"] == "block:temperature"
            assert (event["sender"], event["data"]["blockId"]) == (two.a.node_id, block)
    finally:
        watching.terminate()
        await watching.wait()
