"""Blocks that come through a third node, where their holder cannot be reached."""

import random

from edgenode.core.events import HAVE, WANT, BlockSync
from edgenode.core.message import BLOCK_SYNC
from tests.integration.support.files import block_id
from tests.integration.support.memory import MIB
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import Peer, new_identity
from tests.integration.support.records import QUICK, seen_at

FAST = QUICK + "[nat]\nrelay_bandwidth = 100000000\n"
DATA = random.Random(1).randbytes(3 * MIB)
ID = block_id(DATA)


async def star(nodes: Nodes, middle_config: str) -> tuple[Node, Node, Node]:
    """Start two nodes that only the one in the middle is linked with; `b` holds the block."""
    middle = await nodes.start("middle", more_config=middle_config)
    a = await nodes.start("a", dials=[middle.ws_port], more_config=QUICK)
    b = await nodes.start("b", dials=[middle.ws_port], more_config=QUICK)
    await a.linked_with(middle)
    await b.linked_with(middle)
    assert await b.rest.post(DATA) == ID
    await seen_at(a, ID, lambda block: block["locations"] != [])
    return a, middle, b


async def test_a_block_comes_through_a_node_that_keeps_nothing_of_it(nodes: Nodes) -> None:
    a, middle, b = await star(nodes, FAST)
    answer = await a.rest.get(ID)
    assert (answer.status, answer.body == DATA) == (200, True)
    status = await middle.rest.status()
    assert status["blocks"] == 0
    assert status["bandwidth"]["relayed"] == len(DATA)
    assert (await a.rest.status())["bandwidth"]["relayed"] == 0
    assert (await b.rest.status())["bandwidth"]["relayed"] == 0
    await middle.logged("passing blocks on")


async def test_nobody_passes_on_whose_owner_does_not_want_it(nodes: Nodes) -> None:
    a, middle, _ = await star(nodes, QUICK + "[nat]\nrelay = false\n")
    answer = await a.rest.get(ID)
    assert (answer.status, answer.problem) == (404, "block-unavailable")
    assert (await middle.rest.status())["bandwidth"]["relayed"] == 0


async def test_a_block_that_nobody_is_known_to_hold_is_not_asked_for_twice(nodes: Nodes) -> None:
    a, _, _ = await star(nodes, FAST)
    answer = await a.rest.get("0f" * 64)
    assert (answer.status, answer.problem) == (404, "block-unavailable")


async def test_over_a_link_that_replaced_another_it_goes_on(nodes: Nodes) -> None:
    _, middle, _ = await star(nodes, FAST)
    identity = new_identity()
    for fetch_id in (1, 2):
        peer = await Peer.link(nodes.session, middle.ws_url, identity)
        want = BlockSync(WANT, ID, fetch_id, through=True)
        await peer.say(BLOCK_SYNC, want.to_data())
        have = await peer.hear_of(BlockSync)
        assert (have.op, have.fetch_id, have.through) == (HAVE, fetch_id, True)
    await peer.socket.close()
