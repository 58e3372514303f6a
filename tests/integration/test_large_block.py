"""A block of the largest size crosses in constant memory, and cuts cost only the resume."""

import asyncio
import random
import sys

import pytest

from edgenode.core.fetch import WINDOW_BYTES
from tests.integration.support.files import block_id
from tests.integration.support.memory import MIB, memory, reset_peak
from tests.integration.support.node import STOP_TIMEOUT_S, Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.proxy import Proxy

LARGEST = 64 * MIB
WARM_UP = 8 * MIB
# 2 MiB is the aim; the rest is for the allocator, whose arenas differ from run to run.
GROWTH = 8 * MIB
# A frame adds 13 bytes inside the seal, 17 by it and up to 14 before it to 64 KiB of the block;
# handshakes, announcements and wants are less than this.
OVERHEAD_SHARE = 0.002
OVERHEAD_FIXED = 64 * 1024


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


async def test_largest_block_crosses_in_constant_memory(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    warm = await a.rest.post(content(WARM_UP))
    assert await b.rest.size(warm) == WARM_UP

    before = {node.name: peak_from_now(node) for node in (a, b)}
    data = content(LARGEST)
    held = await a.rest.post(data)
    assert held == block_id(data)
    after_put = memory(a.pid, "VmHWM") - before["a"]
    assert await b.rest.size(held) == LARGEST
    grown = {node.name: memory(node.pid, "VmHWM") - before[node.name] for node in (a, b)}

    sys.stdout.write(
        f"resident before: {before}; peak growth: put {after_put}, in all {grown} bytes; "
        f"anonymous: {[memory(node.pid, 'RssAnon') for node in (a, b)]}\n"
    )
    assert max(grown.values()) <= GROWTH
    assert block_id(b.block_path(held).read_bytes()) == held


def peak_from_now(node: Node) -> int:
    reset_peak(node.pid)
    return memory(node.pid, "VmHWM")


@pytest.mark.parametrize("cuts", [1, 3])
async def test_cut_link_costs_only_the_resume(nodes: Nodes, cuts: int) -> None:
    size = 8 * MIB
    data = content(size)
    async with Proxy() as line:
        a, b, held = await holder_behind(nodes, line, data)
        began = line.from_target
        getting = asyncio.create_task(b.rest.get(held))
        for cut in range(cuts):
            seen = len(b.lines)
            at = began + (cut + 1) * size // (cuts + 1)
            line.cut_at(at)
            await line.passed(at)
            await b.logged(f"link with {a.node_id} .* ended: cut", since=seen)
            await b.linked_with(a, since=seen)
        answer = await getting

        assert (answer.status, block_id(answer.body)) == (200, held)
        most = size * (1 + OVERHEAD_SHARE) + cuts * WINDOW_BYTES + OVERHEAD_FIXED
        assert size <= line.from_target - began <= most
        assert (await b.rest.status())["pendingSync"] == 0


async def test_stopped_holder_ends_at_once_and_the_rest_is_fetched_later(nodes: Nodes) -> None:
    size = 12 * MIB
    data = content(size)
    async with Proxy() as line:
        a, b, held = await holder_behind(nodes, line, data)
        began = line.from_target
        getting = asyncio.create_task(b.rest.get(held))
        await line.passed(began + size // 4)
        assert await a.stop() < STOP_TIMEOUT_S
        assert not getting.done()
        await a.start()
        answer = await getting

        assert (answer.status, block_id(answer.body)) == (200, held)
        most = size * (1 + OVERHEAD_SHARE) + WINDOW_BYTES + OVERHEAD_FIXED
        assert line.from_target - began <= most


async def test_stopped_fetcher_ends_at_once_and_resumes_after_its_start(nodes: Nodes) -> None:
    size = 12 * MIB
    data = content(size)
    async with Proxy() as line:
        a, b, held = await holder_behind(nodes, line, data)
        began = line.from_target
        getting = asyncio.create_task(b.rest.get(held))
        await line.passed(began + size // 4)
        assert await b.stop() < STOP_TIMEOUT_S
        with pytest.raises((AssertionError, OSError)):
            assert (await getting).status == 200
        assert line.from_target - began < size
        seen = len(b.lines)
        await b.start()
        await b.linked_with(a, since=seen)
        answer = await b.rest.get(held)

        assert (answer.status, block_id(answer.body)) == (200, held)
        most = size * (1 + OVERHEAD_SHARE) + 2 * WINDOW_BYTES + OVERHEAD_FIXED
        assert line.from_target - began <= most


async def holder_behind(nodes: Nodes, line: Proxy, data: bytes) -> tuple[Node, Node, str]:
    """A holds `data`; B dials it through `line`."""
    a = await nodes.start("a")
    line.target_port = a.ws_port
    b = await nodes.start("b", dials=[line.port])
    await b.linked_with(a)
    return a, b, await a.rest.post(data)
