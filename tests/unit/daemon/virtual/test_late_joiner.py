"""A node that joins an hour later, or was away for it, agrees with the rest: exactly."""

import asyncio
import random

from edgenode.core.records import LOCATION, METADATA, TEMPERATURE, TEMPERATURES, Update
from tests.unit.daemon.virtual.network import Network, Node
from tests.unit.store.helpers import put

HOUR_S = 3600
# Each minute a round; what is missed in one is found in the next.
SOON_S = 150
BLOCKS = 60


def some_update(chance: random.Random) -> Update:
    block = f"{chance.randrange(BLOCKS):0128x}"
    type_ = chance.choice((TEMPERATURE, LOCATION, METADATA))
    if chance.random() < 0.15:
        return Update(type_, block, None)
    if type_ == TEMPERATURE:
        return Update(type_, block, {"class": chance.choice(TEMPERATURES)})
    if type_ == LOCATION:
        return Update(type_, block, {"size": chance.randint(1, 1000)})
    user = {f"key{number}": "v" * 200 for number in range(chance.randint(0, 14))}
    return Update(type_, block, {"createdAt": chance.randint(0, 10**12), "user": user})


async def live_an_hour(node: Node, seed: int) -> None:
    """Say something all along, and put and delete blocks."""
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    end = loop.time() + HOUR_S
    held: list[str] = []
    while loop.time() < end:
        await asyncio.sleep(chance.uniform(5, 40))
        if not node.running:
            continue
        await node.say(*(some_update(chance) for _ in range(chance.randint(1, 20))))
        if chance.random() < 0.2:
            size = chance.randint(1, 100)
            held.append(await put(node.store, chance.randbytes(size)))
            node.parts.on_held(held[-1], size)
        elif held and chance.random() < 0.2:
            gone = held.pop()
            await node.store.delete(gone)
            node.parts.on_gone(gone)


async def assert_agreed(nodes: list[Node]) -> None:
    first = await nodes[0].all()
    assert all(first.values())
    for node in nodes[1:]:
        assert node.roots() == nodes[0].roots()
        for name, rows in (await node.all()).items():
            assert rows == first[name], name


async def test_a_node_that_joins_an_hour_later_agrees_with_the_rest(network: Network) -> None:
    nodes = [await network.node() for _ in range(4)]
    a, b, c, d = nodes
    for one, other in ((a, b), (b, c), (c, d), (d, a)):
        network.link(one, other)
    lives = [asyncio.create_task(live_an_hour(node, seed)) for seed, node in enumerate(nodes)]
    await asyncio.sleep(HOUR_S / 6)
    await network.cut(d, a)
    await network.cut(c, d)  # for the rest of the hour d is alone, and says much itself
    await asyncio.sleep(HOUR_S / 6)
    await network.stop(b)
    await b.start()  # with a new epoch, and nothing but what was kept
    network.link(a, b)
    network.link(b, c)
    await asyncio.wait(lives)
    for life in lives:
        life.result()
    floors = [floor for floor in await a.table("floors") if floor[1:] != (0, 0)]

    late = await network.node()
    network.link(late, c)
    network.link(d, b)
    await asyncio.sleep(SOON_S)
    await assert_agreed([*nodes, late])
    assert len(late.roots()) == 5  # its own, too: it has signed a head
    assert await late.table("records")
    assert network.reasons() == []
    assert floors, "an hour is long enough to repack"


async def test_agreement_is_not_for_want_of_a_difference(network: Network) -> None:
    """What the tests above compare tells nodes apart that were not linked."""
    one, other = await network.node(), await network.node()
    await asyncio.wait(
        [asyncio.create_task(live_an_hour(node, seed)) for seed, node in enumerate((one, other))]
    )
    for name in ("records", "batches"):
        assert await one.table(name) != await other.table(name)
    network.link(one, other)
    await asyncio.sleep(SOON_S)
    await assert_agreed([one, other])
