"""A block whose bytes changed on the disk is never served, and comes back from a holder."""

import os
import random
from pathlib import Path

from tests.integration.support.files import block_id
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.wait import eventually

DATA = random.Random(0).randbytes(300_000)
ID = block_id(DATA)

REPAIR_S = 15.0
"""Wanted blocks are asked for at most every 10 s."""


async def test_block_damaged_while_running_is_set_aside_and_comes_back_by_itself(
    nodes: Nodes,
) -> None:
    a, b = await held_by_both(nodes)
    damage(a.block_path(ID))
    seen = len(a.lines)
    gone = await a.rest.get(ID, operator=False)
    assert (gone.status, gone.problem) == (404, "block-not-held")
    await a.logged(f"(ERROR|WARNING) .*{ID[:16]}", since=seen)
    assert set_aside(a) == [ID]

    async def whole() -> bool:
        return (await a.rest.get(ID, operator=False)).body == DATA

    status = await a.rest.status()
    assert (status["pendingSync"], status["blocks"]) == (1, 0) or await whole()
    await eventually(whole, "the block is back", timeout_s=REPAIR_S)
    await a.logged(f"{ID[:16]}.* whole again", since=seen)
    assert (await a.rest.status())["pendingSync"] == 0
    assert (await a.rest.status())["blocks"] == 1
    assert set_aside(a) == []
    assert (await b.rest.get(ID, local=True)).body == DATA


async def test_block_damaged_while_stopped_is_found_at_the_first_read(nodes: Nodes) -> None:
    """Not even its size and times have changed; the operator's GET fetches it at once."""
    a, _ = await held_by_both(nodes)
    await a.stop()
    damage(a.block_path(ID), keep_times=True)
    seen = len(a.lines)
    await a.start()
    await a.logged("linked with", since=seen)
    answer = await a.rest.get(ID)
    assert (answer.status, answer.body == DATA) == (200, True)
    await a.logged(f"(ERROR|WARNING) .*{ID[:16]}", since=seen)
    assert a.block_path(ID).read_bytes() == DATA
    assert set_aside(a) == []


async def test_damaged_block_is_not_handed_to_a_peer(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    await a.rest.post(DATA)
    damage(a.block_path(ID))
    refused = await b.rest.get(ID)
    assert (refused.status, refused.problem) == (404, "block-unavailable")
    assert set_aside(a) == [ID]
    assert (await b.rest.status())["blocks"] == 0
    assert (await a.rest.status())["pendingSync"] == 1
    # Without any other holder it stays wanted, over a restart too.
    await a.stop()
    await a.start()
    await eventually(lambda: pending(a), "it is still wanted")
    assert (await a.rest.get(ID, local=True)).status == 404
    assert await a.rest.post(DATA) == ID
    assert (await a.rest.get(ID, local=True)).body == DATA


async def test_truncated_and_replaced_files(nodes: Nodes) -> None:
    a, _ = await held_by_both(nodes)
    path = a.block_path(ID)
    for content in (DATA[:-1], DATA + b"\0", b"", b"x" * len(DATA)):
        path.write_bytes(content)
        answer = await a.rest.get(ID)
        assert (answer.status, answer.body == DATA) == (200, True), len(content)


async def held_by_both(nodes: Nodes) -> tuple[Node, Node]:
    a, b = await nodes.pair()
    assert await a.rest.post(DATA) == ID
    assert (await b.rest.get(ID)).status == 200
    return a, b


def damage(path: Path, *, keep_times: bool = False) -> None:
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)
        file.seek(status.st_size // 2)
        file.write(bytes((byte[0] ^ 1,)))
    if keep_times:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def set_aside(node: Node) -> list[str]:
    return [path.name for path in (node.data_dir / "blocks" / "quarantine").iterdir()]


async def pending(node: Node) -> bool:
    return bool((await node.rest.status())["pendingSync"])
