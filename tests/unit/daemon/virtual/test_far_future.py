"""An origin whose clock is years ahead has no more to say than any other."""

import asyncio

from edgenode.core.records import METADATA, TEMPERATURE, Update
from tests.unit.daemon.virtual.network import Network, Node, Wall

AHEAD_MS = 3 * 365 * 86_400_000
AT_ONCE_S = 5
BLOCK = "ab" * 64


async def said(at: Node) -> dict[str, object]:
    """Return the class that each origin has given the block, as this node knows it."""
    rows = await at.parts._records.of_block(BLOCK)
    return {row.origin: row.data["class"] for row in rows if row.type == TEMPERATURE and row.data}


async def test_an_origin_three_years_ahead_displaces_nobodys_record(network: Network) -> None:
    reader, honest = await network.node(), await network.node()
    now = network.wall
    network.wall = Wall()
    network.wall.put_on(AHEAD_MS)
    ahead = await network.node()
    network.wall = now
    network.link(reader, honest)
    network.link(reader, ahead)
    await asyncio.sleep(AT_ONCE_S)

    await honest.say(Update(TEMPERATURE, BLOCK, {"class": "COLD"}))
    await ahead.say(Update(TEMPERATURE, BLOCK, {"class": "VIRAL"}))
    await asyncio.sleep(AT_ONCE_S)
    assert await said(reader) == {honest.node_id: "COLD", ahead.node_id: "VIRAL"}
    # What is said later counts, though by its timestamp it is three years older.
    await honest.say(Update(TEMPERATURE, BLOCK, {"class": "WARM"}))
    await honest.say(Update(METADATA, BLOCK, {"createdAt": 1, "user": {"n": "1"}}))
    await asyncio.sleep(AT_ONCE_S)
    for node in (reader, honest, ahead):
        assert await said(node) == {honest.node_id: "WARM", ahead.node_id: "VIRAL"}
    # Nor does its own clock keep it from replacing what it said, when it has been put right.
    ahead._wall.put_on(-AHEAD_MS)
    await ahead.say(Update(TEMPERATURE, BLOCK, {"class": "COOL"}))
    await asyncio.sleep(AT_ONCE_S)
    assert await said(reader) == {honest.node_id: "WARM", ahead.node_id: "COOL"}
    assert network.reasons() == []
