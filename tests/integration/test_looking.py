"""What is shown of real nodes: peers, space, sync, history, events; and signing in."""

import asyncio
import json
import re
import sys
from typing import Any

import aiohttp
from openapi_schema_validator import OAS31Validator

from edgenode.api.node import OPENAPI_PATH
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes

DOCUMENT = json.loads(OPENAPI_PATH.read_text())


async def read(nodes: Nodes, node: Node, path: str, schema: str) -> Any:
    """Return what a path answers, which is as described."""
    async with nodes.session.get(f"{node.rest.base}{path}") as response:
        assert response.status == 200, await response.text()
        answer = await response.json()
    described = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    OAS31Validator(described).validate(answer)
    return answer


async def two(nodes: Nodes) -> tuple[Node, Node]:
    first = await nodes.start("first", more_config='[node]\nregion = "eu"\n')
    second = await nodes.start("second", dials=[first.ws_port], more_config='[node]\nregion = ""\n')
    await first.linked_with(second)
    await second.linked_with(first)
    return first, second


async def next_event(watching: aiohttp.ClientWebSocketResponse, type_: str) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = json.loads((await watching.receive(timeout=10)).data)
        if event["type"] == type_:
            return event


async def test_a_node_shows_what_there_is(nodes: Nodes) -> None:
    first, second = await two(nodes)
    assert second.running
    url = f"{first.rest.base}/events"
    async with nodes.session.ws_connect(url, params={"since": "0"}) as watching:
        opening = json.loads((await watching.receive(timeout=5)).data)
        assert opening["type"] == "events:open"
        # Told when they linked, before anyone watched.
        assert (await next_event(watching, "node:announce"))["sender"] == second.node_id
        block_id = await first.rest.post(b"a block")
        status = await next_event(watching, "node:status")
        assert status["sender"] == first.node_id
        assert status["data"]["blocks"] == 1
    await first.rest.get(block_id)

    for node, direction, region in ((first, "inbound", None), (second, "outbound", "eu")):
        (peer,) = (await read(nodes, node, "/node/peers", "Peers"))["peers"]
        assert (peer["direction"], peer["region"]) == (direction, region)
        assert 0 < peer["roundTrip"] < 1000
        assert peer["since"] <= peer["lastSeen"]
    storage = await read(nodes, first, "/node/storage", "NodeStorage")
    assert (storage["blocks"], storage["bytes"]) == (1, 7)
    assert storage["freeBytes"] > 0
    assert storage["temperatures"]["COLD"] == 1
    sync = await read(nodes, first, "/node/sync", "NodeSync")
    assert sync["transfers"] == []
    history = await read(nodes, first, "/node/history", "NodeHistory")
    assert history["samples"][-1]["succeeded"] == 2
    async with nodes.session.get(first.rest.base) as response:
        assert "1 peer · 1 block" in await response.text()


async def command(node: Node, *arguments: str) -> tuple[str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgenode", *arguments, "--data-dir", str(node.data_dir)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err
    return out.decode(), err.decode()


async def test_a_link_signs_in_once_and_not_after_a_restart(nodes: Nodes) -> None:
    node = await nodes.start("node")
    out, _ = await command(node, "open")
    found = re.fullmatch(rf"http://127\.0\.0\.1:{node.http_port}/#login=([0-9a-f]{{64}})\n", out)
    assert found is not None
    url = f"{node.rest.base}/session"
    async with nodes.session.post(url, json={"code": found[1]}) as response:
        assert response.status == 201
        headers = {"Authorization": f"Bearer {(await response.json())['token']}"}
    async with nodes.session.post(url, json={"code": found[1]}) as response:
        assert response.status == 403
    async with nodes.session.get(f"{node.rest.base}/blocks", headers=headers) as response:
        assert response.status == 200
    await node.stop()
    await node.start()
    async with nodes.session.get(f"{node.rest.base}/blocks", headers=headers) as response:
        assert response.status == 401
