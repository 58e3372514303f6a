"""Real files put into one node and fetched at another by their ids."""

import asyncio
from collections.abc import Iterable

import pytest

from tests.integration.support.files import block_id, real_files
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes

AT_ONCE = 16


@pytest.mark.parametrize("count", [150, pytest.param(2000, marks=pytest.mark.ci)])
async def test_files_arrive_byte_identical(nodes: Nodes, count: int) -> None:
    files = real_files(count)
    a, b = await nodes.pair()
    await put_all(a, files.values())
    assert (await a.rest.status())["blocks"] == count
    assert (await b.rest.status())["blocks"] == 0

    at_once = asyncio.Semaphore(AT_ONCE)

    async def fetch(name: str, content: bytes) -> None:
        async with at_once:
            answer = await b.rest.get(name)
        assert answer.status == 200, answer
        assert answer.body == content
        assert block_id(answer.body) == name

    async with asyncio.TaskGroup() as group:
        for name, content in files.items():
            group.create_task(fetch(name, content))
    status = await b.rest.status()
    assert (status["blocks"], status["pendingSync"]) == (count, 0)
    for name, content in files.items():
        assert b.block_path(name).read_bytes() == content


async def put_all(node: Node, contents: Iterable[bytes]) -> None:
    at_once = asyncio.Semaphore(AT_ONCE)

    async def put(content: bytes) -> None:
        async with at_once:
            assert await node.rest.post(content) == block_id(content)

    async with asyncio.TaskGroup() as group:
        for content in contents:
            group.create_task(put(content))
