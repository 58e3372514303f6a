"""Nodes that were apart come to carry the same batches."""

import asyncio

from edgenode.core.batch import MAX_UPDATES
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import Peer
from tests.integration.support.proxy import Proxy
from tests.integration.support.records import (
    QUICK,
    Origin,
    all_agree,
    seen_at,
    set_class,
    set_metadata,
    some_id,
    tell,
    told,
    warm,
)

BATCHES = 1200
"""Of each foreign origin: its trie has two levels, and no queue takes so many at once."""

HEALED_S = 10.0
"""From the end of a cut until all have the same root: finding one another again included."""


async def test_who_joins_late_agrees(nodes: Nodes) -> None:
    """Batches of the node itself and of three others, with tries of different depths."""
    first = await nodes.start("first", more_config=QUICK)
    writer = await Peer.link(nodes.session, first.ws_url)
    origins = [Origin() for _ in range(3)]
    blocks = [some_id(f"own {number}") for number in range(3 * MAX_UPDATES)]
    for start in range(0, len(blocks), MAX_UPDATES):
        updates = [
            {"blockId": block, "data": {"user": {"at": str(start)}}}
            for block in blocks[start : start + MAX_UPDATES]
        ]
        status, _ = await first.rest.write("/sync/metadata", {"updates": updates})
        assert status == 200
    for origin, count in zip(origins, (1, 70, BATCHES), strict=True):
        sent = [origin.batch(warm(f"{number % 200}")) for number in range(count)]
        for start in range(0, count, 500):
            await tell(writer, sent[start : start + 500])
            await writer.pong()

    joiner = await nodes.start("joiner", dials=[first.ws_port], more_config=QUICK)
    await joiner.linked_with(first)
    agreed = await all_agree(nodes.session, [first, joiner])
    counts = [agreed[origin.node_id][1] for origin in origins]
    assert counts == [1, 70, BATCHES]
    assert agreed[first.node_id][1] >= 3
    shown = blocks[::60] + [some_id(str(number)) for number in range(0, 200, 40)]
    for block in shown:
        at_first = await told(first, block)
        assert at_first is not None
        assert await told(joiner, block) == at_first


async def test_both_sides_of_a_cut_agree_again(nodes: Nodes) -> None:
    a = await nodes.start("a", more_config=QUICK)
    async with Proxy(a.ws_port) as line:
        b = await nodes.start("b", dials=[line.port], more_config=QUICK)
        c = await nodes.start("c", dials=[b.ws_port], more_config=QUICK)
        await b.linked_with(a)
        await c.linked_with(b)
        both = some_id("both")
        await set_class(a, both, "WARM")
        await seen_at(c, both, bool)

        seen = len(b.lines)
        line.freeze()
        line.cut()
        await b.logged(f"link with {a.node_id} .* ended", since=seen)
        for number in range(20):
            await set_class(a, some_id(f"at a {number}"), "HOT")
            await set_metadata(c, some_id(f"at c {number}"), {"user": {"n": str(number)}})
        await set_class(a, both, "COLD")
        await set_class(c, both, "HOT")
        await seen_at(b, both, lambda it: len(it["temperature"]["origins"]) == 2)
        assert await a.rest.metadata(some_id("at c 1")) is None
        assert await c.rest.metadata(some_id("at a 1")) is None

        line.flow()
        async with asyncio.timeout(HEALED_S):
            await b.linked_with(a, since=seen, timeout_s=HEALED_S)
            agreed = await all_agree(nodes.session, [a, b, c])
        assert set(agreed) == {a.node_id, b.node_id, c.node_id}
        blocks = [both] + [some_id(f"at {who} {n}") for who in "ac" for n in range(20)]
        for block in blocks:
            assert await told(a, block) == await told(b, block) == await told(c, block)
        found = await seen_at(b, both, bool)
        assert found["temperature"]["class"] == "HOT"
        assert {"nodeId": a.node_id, "class": "COLD"} in found["temperature"]["origins"]
