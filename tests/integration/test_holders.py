"""Which holder a block comes from, when holders vanish, lie or have nothing."""

import asyncio
import random
import time
from collections.abc import Callable

from edgenode.core.events import LACK, BlockSync
from edgenode.core.fetch import WINDOW_BYTES
from edgenode.core.frame import CHUNK_BYTES, encode_chunk
from edgenode.core.message import BLOCK_SYNC
from tests.integration.support.files import block_id
from tests.integration.support.memory import MIB
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import Peer
from tests.integration.support.proxy import Proxy
from tests.integration.support.wait import eventually

SIZE = 4 * MIB
DATA = random.Random(0).randbytes(SIZE)
ID = block_id(DATA)


async def test_second_holder_takes_over_from_one_lost_for_good(nodes: Nodes) -> None:
    first, second = await nodes.start("first"), await nodes.start("second")
    async with Proxy(first.ws_port) as line, Proxy(second.ws_port) as spare:
        b = await nodes.start("b", dials=[line.port, spare.port])
        for holder in (first, second):
            await b.linked_with(holder)
            await holder.rest.post(DATA)
        spare.freeze()  # so that the first answers first
        began, spare_began = line.from_target, spare.from_target
        line.freeze_at(began + SIZE // 2)
        getting = asyncio.create_task(b.rest.get(ID))
        await line.passed(began + SIZE // 2)
        await first.kill()
        line.cut()
        spare.flow()
        answer = await getting

        assert (answer.status, answer.body == DATA) == (200, True)
        assert spare.from_target - spare_began < SIZE // 2 + WINDOW_BYTES + CHUNK_BYTES


async def test_holder_of_wrong_bytes_is_given_up_for_the_next(nodes: Nodes) -> None:
    b = await nodes.start("b")
    wrong = bytearray(DATA)
    wrong[SIZE // 2] ^= 1
    liar = await Peer.link(nodes.session, b.ws_url)
    lying = asyncio.create_task(liar.hold(ID, SIZE, reader(bytes(wrong))))
    await b.logged(f"linked with {liar.node_id}")
    refused = await b.rest.get(ID)
    assert (refused.status, refused.problem) == (404, "block-unavailable")
    assert b"hash" in refused.body
    assert await nothing_held(b)

    honest = await nodes.start("honest", dials=[b.ws_port])
    await honest.rest.post(DATA)
    await b.linked_with(honest)
    await eventually_served(b)
    lying.cancel()


async def test_bytes_of_two_holders_that_do_not_fit_are_fetched_again_from_one(
    nodes: Nodes,
) -> None:
    """The liar breaks off half way; what it gave is gone on with and found out only at the end."""
    b = await nodes.start("b")
    wrong = bytes(SIZE // 2)
    liar = await Peer.link(nodes.session, b.ws_url)
    half_given = asyncio.Event()

    def lie(offset: int, length: int) -> bytes | None:
        if offset + length <= SIZE // 2:
            return wrong[offset : offset + length]
        half_given.set()
        return None

    lying = asyncio.create_task(liar.hold(ID, SIZE, lie))
    await b.logged(f"linked with {liar.node_id}")
    getting = asyncio.create_task(b.rest.get(ID))
    await half_given.wait()
    async with Proxy(b.ws_port) as line:
        line.freeze()
        honest = await nodes.start("honest", dials=[line.port])
        await honest.rest.post(DATA)
        line.flow()
        await b.linked_with(honest)
        lying.cancel()
        await liar.socket.close()
        answer = await getting

    assert (answer.status, answer.body == DATA) == (200, True)
    assert (await b.rest.status())["blocks"] == 1


async def test_holder_that_says_a_wrong_size_is_given_up(nodes: Nodes) -> None:
    b = await nodes.start("b")
    liar = await Peer.link(nodes.session, b.ws_url)
    lying = asyncio.create_task(liar.hold(ID, SIZE - 1, reader(DATA[:-1])))
    huge = await Peer.link(nodes.session, b.ws_url)
    boasting = asyncio.create_task(huge.hold(ID, 2**52, reader(DATA)))
    for peer in (liar, huge):
        await b.logged(f"linked with {peer.node_id}")
    refused = await b.rest.get(ID)
    assert (refused.status, refused.problem) == (404, "block-unavailable")
    assert b"too large" in refused.body
    assert await nothing_held(b)
    for task in (lying, boasting):
        task.cancel()


async def test_block_that_nobody_holds_is_refused_promptly_with_each_reason(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    c = await nodes.start("c", dials=[b.ws_port])
    await b.linked_with(c)
    began = time.monotonic()
    refused = await b.rest.get(ID)
    assert (refused.status, refused.problem) == (404, "block-unavailable")
    assert time.monotonic() - began < 5
    for node in (a, c):
        assert f"{node.node_id[:8]}: not-held".encode() in refused.body

    lone = await nodes.start("lone")
    refused = await lone.rest.get(ID)
    assert (refused.status, refused.problem) == (404, "block-unavailable")
    assert b"no linked peer" in refused.body


async def test_only_the_operator_makes_a_node_fetch(nodes: Nodes) -> None:
    a, b = await nodes.pair()
    await a.rest.post(DATA)
    anyone = await b.rest.get(ID, operator=False)
    local = await b.rest.get(ID, local=True)
    assert [(a.status, a.problem) for a in (anyone, local)] == [(404, "block-not-held")] * 2
    assert (await b.rest.status())["blocks"] == 0
    assert (await b.rest.get(ID)).status == 200
    assert (await b.rest.get(ID, operator=False)).body == DATA


async def test_strangers_cannot_disturb_the_fetch_from_an_honest_holder(nodes: Nodes) -> None:
    """A linked peer that guesses fetch ids sends chunks and answers that were not asked of it."""
    a = await nodes.start("a")
    async with Proxy(a.ws_port) as line:
        b = await nodes.start("b", dials=[line.port])
        await b.linked_with(a)
        await a.rest.post(DATA)
        stranger = await Peer.link(nodes.session, b.ws_url)
        await b.logged(f"linked with {stranger.node_id}")
        began = line.from_target
        line.freeze_at(began + SIZE // 2)
        getting = asyncio.create_task(b.rest.get(ID))
        await line.passed(began + SIZE // 2)
        seen = len(b.lines)

        flood = asyncio.create_task(disturb(stranger))
        line.flow()
        answer = await getting
        await flood

        assert (answer.status, answer.body == DATA) == (200, True)
        assert not any(f"link with {a.node_id}" in line for line in b.lines[seen:])


async def disturb(peer: Peer) -> None:
    for offset in range(0, SIZE, CHUNK_BYTES):
        for fetch_id in range(1, 4):
            await peer.send(encode_chunk(fetch_id, offset, bytes(CHUNK_BYTES)))
        lack = BlockSync(LACK, ID, 1, reason="not-held")
        await peer.say(BLOCK_SYNC, lack.to_data())


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]


async def nothing_held(node: Node) -> bool:
    folders = (node.data_dir / "blocks").glob("[0-9a-f][0-9a-f]/*")
    left = list((node.data_dir / "blocks" / "incoming").iterdir())
    return not list(folders) and not left and (await node.rest.status())["blocks"] == 0


async def eventually_served(node: Node) -> None:
    async def served() -> bool:
        return (await node.rest.get(ID)).body == DATA

    await eventually(served, "the block from the honest holder")
