"""A node whose disk was set back, or copied, is heard again at once and uses no number twice."""

import asyncio

import pytest

from edgenode.core.records import TEMPERATURE, Update
from edgenode.daemon.records import gossip
from edgenode.daemon.records.exchange import Exchange
from edgenode.daemon.records.proving import show_epoch
from edgenode.daemon.records.replicas import EXPIRY_MS, Replicas
from edgenode.store.records import Records
from tests.unit.daemon.virtual.network import Network, Node, back_up, restore

# A round in each direction, and the quiet before a head.
AT_ONCE_S = 5
# Two rounds, of which each looks for what has expired.
SOON_S = 120

BLOCK = "ab" * 64


def of_class(class_: str) -> Update:
    return Update(TEMPERATURE, BLOCK, {"class": class_})


async def classes(at: Node, origin: Node) -> list[object]:
    rows = await at.parts._records.of_block(BLOCK)
    return [row.data["class"] for row in rows if row.origin == origin.node_id and row.data]


async def expire(network: Network) -> None:
    """Let it be three days later."""
    network.wall.put_on(EXPIRY_MS)
    await asyncio.sleep(SOON_S)


async def starts(node: Node, count: int) -> None:
    for _ in range(count):
        await node.stop()
        await node.start()


async def test_card_restored_after_its_peers_have_dropped_it(network: Network) -> None:
    one, other = await network.node(), await network.node()
    await one.say(of_class("COLD"))
    network.link(one, other)
    await asyncio.sleep(AT_ONCE_S)
    await network.stop(one)
    backup = back_up(one)
    await one.start()
    await starts(one, 20)
    await one.say(of_class("COOL"))
    network.link(one, other)
    await asyncio.sleep(AT_ONCE_S)
    assert await classes(other, one) == ["COOL"]
    known = one.epoch
    await network.stop(one)
    restore(one, backup)

    await expire(network)
    assert one.node_id not in other.roots()
    await network.stop(other)
    await other.start()  # what it remembers of the one it has dropped outlives that
    await one.start()
    assert one.epoch < known - 10
    network.link(one, other)
    await one.say(of_class("WARM"))
    await asyncio.sleep(AT_ONCE_S)
    assert await classes(other, one) == ["WARM"]
    assert one.roots() == other.roots()
    assert await one.state.next_epoch() == known + 2  # in one step, and durable
    assert network.reasons() == []


async def test_card_that_has_signed_alone_before_it_meets_who_has_dropped_it(
    network: Network,
) -> None:
    one, other = await network.node(), await network.node()
    await one.stop()
    backup = back_up(one)
    await one.start()
    await starts(one, 20)
    network.link(one, other)
    await asyncio.sleep(AT_ONCE_S)
    known = one.epoch
    await network.stop(one)
    restore(one, backup)
    await expire(network)
    assert one.node_id not in other.roots()
    await one.start()
    await one.say(of_class("WARM"))
    await asyncio.sleep(90)  # nobody has told it anything; its next head is due in 30 s
    assert await one.table("batches")
    assert one.epoch < known

    network.link(one, other)
    await asyncio.sleep(AT_ONCE_S)
    assert await classes(other, one) == ["WARM"]
    assert one.roots() == other.roots()
    head = other.parts._replicas.get(one.node_id)
    assert head is not None
    assert head.head_position[0] == known + 1


async def lose_head(node: Node, of: Node) -> None:
    """A crash has kept the batches of an origin, and not its head."""
    await node.state.database.write(
        lambda connection: connection.execute(
            "UPDATE origins SET head = NULL, head_epoch = 0, head_seq = 0 WHERE node = ?",
            (bytes.fromhex(of.node_id),),
        ),
        durable=True,
    )


@pytest.mark.parametrize(("ahead", "delay_s"), [(0, 0.0), (3, 0.0), (0, 1.0)])
async def test_card_that_only_its_batches_can_tell_of(
    network: Network, monkeypatch: pytest.MonkeyPatch, ahead: int, delay_s: float
) -> None:
    """The peer has batches of the very epoch that the restored card begins, or of later ones.

    However long it takes to look for them, its round ends after it has told them.
    """

    async def slowly(exchange: Exchange, replicas: Replicas, records: Records) -> None:
        if exchange.peer == one.node_id:
            await asyncio.sleep(delay_s)
        await show_epoch(exchange, replicas, records)

    monkeypatch.setattr(gossip, "show_epoch", slowly)
    one, other = await network.node(), await network.node()
    await one.stop()
    backup = back_up(one)
    await one.start()
    await starts(one, ahead)
    network.link(one, other)
    for class_ in ("COLD", "COOL", "WARM"):
        await one.say(of_class(class_))
        await asyncio.sleep(AT_ONCE_S)
    known = one.epoch
    await network.stop(one)
    restore(one, backup)
    await lose_head(other, one)
    await network.stop(other)
    await other.start()
    replica = other.parts._replicas.get(one.node_id)
    assert replica is not None
    assert replica.signed_head is None

    await one.start()
    assert one.epoch == known - ahead
    await one.say(of_class("HOT"))
    network.link(one, other)
    await asyncio.sleep(AT_ONCE_S)
    for node in (one, other):
        assert await classes(node, one) == ["HOT"]
        assert await node.parts._records.conflicts() == []
    assert one.roots() == other.roots()
    newest, _ = await one.parts._replicas.bounds(one.node_id)
    assert newest == (known + 1, 1)


async def test_batches_of_a_later_epoch_than_the_head(network: Network) -> None:
    one, other = await network.node(), await network.node()
    network.link(one, other)
    await asyncio.sleep(AT_ONCE_S)
    await network.stop(one)
    backup = back_up(one)
    await one.start()
    await starts(one, 2)
    old = other.parts._replicas.get(one.node_id)
    assert old is not None
    kept = old.signed_head
    network.link(one, other)
    await one.say(of_class("COLD"))
    await asyncio.sleep(AT_ONCE_S)
    known = one.epoch
    await network.stop(one)
    restore(one, backup)
    old.signed_head = kept  # the newer one was lost in a crash

    await one.start()
    await one.say(of_class("HOT"))
    network.link(one, other)
    await asyncio.sleep(AT_ONCE_S)
    newest, _ = await one.parts._replicas.bounds(one.node_id)
    assert newest == (known + 1, 1)


async def test_crash_between_own_batches_from_a_peer_and_the_epoch_above(network: Network) -> None:
    one, other = await network.node(), await network.node()
    await one.stop()
    backup = back_up(one)
    await one.start()
    await starts(one, 3)
    network.link(one, other)
    await one.say(of_class("COLD"))
    await asyncio.sleep(AT_ONCE_S)
    rows = await other.parts._records.digests(one.node_id)
    batch = await other.parts._records.batch(one.node_id, *rows[0][:2])
    assert batch is not None
    await network.stop(one)
    restore(one, backup)
    await one.start()
    await one.parts._records.add([(batch, [of_class("COLD")])], durable=True)
    await one.stop()
    await one.start()
    one.parts._publisher.on_known_epoch(0)  # a peer that knows nothing of it
    assert (await one.parts._publisher.next_position())[0] == batch.epoch + 1


async def test_nothing_is_told_to_a_peer_that_needs_it_not(network: Network) -> None:
    """No packet that nobody needs: a head says it already, in a round."""
    one, other = await network.node(), await network.node()
    network.link(one, other)
    await one.say(of_class("COLD"))
    await asyncio.sleep(AT_ONCE_S)
    await network.cut(one, other)
    network.posted.clear()
    network.link(one, other)
    await asyncio.sleep(AT_ONCE_S)
    assert {event for event, peer in network.posted if peer == one.node_id} == {"node:status"}
