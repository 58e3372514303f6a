"""A pinned block is fetched, kept over restarts and damage, and not deleted before unpinned."""

import asyncio
import json
import random
import sys

import pytest

from tests.integration.support.files import block_id
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.wait import eventually

DATA = random.Random(1).randbytes(300_000)
ID = block_id(DATA)

FETCH_S = 15.0
"""What is wanted is asked for at most every 10 s."""


async def test_a_block_held_elsewhere_is_fetched_and_kept(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    assert await b.rest.post(DATA) == ID
    assert await called(a, "PUT", f"/blocks/{ID}/pin") == 204
    await eventually(lambda: holds(a), "the pinned block is here", timeout_s=FETCH_S)
    assert await pins(a) == [{"blockId": ID, "held": True}]
    assert await called(a, "DELETE", f"/blocks/{ID}") == 409

    await a.stop()
    await a.start()
    assert await pins(a) == [{"blockId": ID, "held": True}]
    assert await holds(a)
    assert await called(a, "DELETE", f"/blocks/{ID}") == 409

    path = a.block_path(ID)
    path.write_bytes(bytes(len(DATA)))
    await a.rest.get(ID, local=True)  # whoever reads it finds the damage
    await eventually(lambda: holds(a), "the damaged copy is replaced", timeout_s=FETCH_S)
    assert path.read_bytes() == DATA

    assert await called(a, "DELETE", f"/blocks/{ID}/pin") == 204
    assert await called(a, "DELETE", f"/blocks/{ID}/pin") == 404
    assert await called(a, "DELETE", f"/blocks/{ID}") == 204
    assert await pins(a) == []


@pytest.mark.ci  # it waits for the next round of looking
async def test_a_pin_waits_for_a_holder_over_a_restart(nodes: Nodes) -> None:
    a = await nodes.start("a")
    assert await called(a, "PUT", f"/blocks/{ID}/pin") == 204
    assert await pins(a) == [{"blockId": ID, "held": False}]
    await a.kill()
    await a.start()
    assert await pins(a) == [{"blockId": ID, "held": False}]
    b = await nodes.start("b", dials=[a.ws_port])
    await b.rest.post(DATA)
    await eventually(lambda: holds(a), "the pinned block is here", timeout_s=FETCH_S)


@pytest.mark.ci  # it waits for the next round of looking
async def test_a_pinned_file_that_is_taken_away_comes_back(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    for node in (a, b):
        await node.rest.post(DATA)
    assert await called(a, "PUT", f"/blocks/{ID}/pin") == 204
    await a.stop()
    a.block_path(ID).unlink()
    await a.start()
    await eventually(lambda: holds(a), "the pinned block is back", timeout_s=FETCH_S)


async def test_the_commands(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    await b.rest.post(DATA)
    assert await command(a, "pin", ID) == (0, "")
    await eventually(lambda: holds(a), "the pinned block is here", timeout_s=FETCH_S)
    assert await command(a, "pins") == (0, ID + "\n")
    code, shown = await command(a, "pins", "--json")
    assert (code, json.loads(shown)) == (0, {"pins": [{"blockId": ID, "held": True}]})
    assert (await command(a, "delete", ID))[0] != 0
    assert await command(a, "unpin", ID) == (0, "")
    assert (await command(a, "unpin", ID))[0] != 0
    assert await command(a, "pins") == (0, "")
    assert (await command(a, "delete", ID))[0] == 0


async def holds(node: Node) -> bool:
    return (await node.rest.get(ID, local=True)).body == DATA


async def called(node: Node, method: str, path: str) -> int:
    return (await node.rest.call(method, path))[0]


async def pins(node: Node) -> list[dict[str, object]]:
    status, answer = await node.rest.call("GET", "/pins")
    assert status == 200
    found: list[dict[str, object]] = json.loads(answer)["pins"]
    return found


async def command(node: Node, *words: str) -> tuple[int, str]:
    """Run `edgenode`; return its status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgenode", *words, "--data-dir", str(node.data_dir)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()
