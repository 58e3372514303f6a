"""What the client does with records: tells its own, reads the node's, and agrees with the node."""

import hashlib
import os
from collections.abc import Awaitable, Callable

from tests.interop.independent_link import Json, Link, Me, say
from tests.interop.independent_records import DIGITS, batch, children, head, under, updates_of
from tests.interop.independent_rounds import Carried, Rounds

EPOCH = 1
# More than a subtree that is hashed as a list has, the first one included.
BATCHES = 70


def some_id(name: str) -> str:
    return hashlib.sha3_512(name.encode()).hexdigest()


def first_updates(block_id: str) -> list[Json]:
    """One of each type, and one of a later version."""
    user = {"said by": 'a client, "independent"\n\u00e9\u20ac\U0001f600'}
    metadata = {"durabilityLevel": "high", "createdAt": 1, "user": user, "aLaterField": 1}
    return [
        {"type": "TEMPERATURE", "blockId": block_id, "data": {"class": "VIRAL"}},
        {"type": "LOCATION", "blockId": block_id, "data": {"size": 9_007_199_254_740_991}},
        {"type": "METADATA", "blockId": block_id, "data": metadata},
        {"type": "A LATER TYPE", "blockId": block_id, "data": {"class": 1}},
    ]


def further_updates(seq: int, block_id: str) -> list[Json]:
    """Of another block each; the latest withdraws a record of the first."""
    data = {"user": {"batch": f"{seq} of {BATCHES}"}}
    updates: list[Json] = [{"type": "METADATA", "blockId": some_id(str(seq)), "data": data}]
    if seq == BATCHES:
        updates.append({"type": "TEMPERATURE", "blockId": block_id, "data": None})
    return updates


async def read_the_nodes(rounds: Rounds, node_id: str) -> None:
    """A round of the node: fetch its batches until our root of them is its own."""

    def agreed() -> bool:
        told = rounds.told.get(node_id, {"count": 0})
        return bool(told["count"]) and bool(told["root"] == rounds.carried.root(node_id))

    await rounds.until(agreed)
    held = rounds.carried.of(node_id).values()
    say(read=[update for message in held for update in updates_of(message)])


async def tell_the_first(rounds: Rounds, me: Me, block_id: str) -> None:
    digest = rounds.carried.add(batch(me, EPOCH, 1, first_updates(block_id)))
    await rounds.tell("metadata:update", rounds.carried.of(me.node_id)[digest])
    await rounds.until(lambda: digest in rounds.acknowledged)
    say(acknowledged=digest.hex())


async def hear_of_a_change(rounds: Rounds, node_id: str) -> None:
    """The node tells a batch of its own as soon as there is one, and a head of all of them."""

    def told() -> list[tuple[str, Json]]:
        return [
            (event, update)
            for event, message in rounds.events
            for update in updates_of(message)
            if message["nodeId"] == node_id and update["type"] == "TEMPERATURE"
        ]

    await rounds.until(lambda: bool(told()) and rounds.head_agrees(node_id))
    event, update = told()[-1]
    say(event=event, update=update)


async def tell_many(rounds: Rounds, me: Me, block_id: str) -> None:
    """All but the latest are told; the head speaks of all, and the node asks for what it lacks."""
    made = [batch(me, EPOCH, seq, further_updates(seq, block_id)) for seq in range(2, BATCHES + 1)]
    digests = [rounds.carried.add(message) for message in made]
    await rounds.tell("metadata:update", *made[:-1])
    await rounds.until(lambda: rounds.acknowledged >= set(digests[:-1]))
    assert digests[-1] not in rounds.acknowledged
    own = rounds.carried.of(me.node_id)
    rounds.carried.add_head(head(me, EPOCH, 1, own.values(), set(own)))
    await rounds.tell_all()
    await rounds.until(lambda: digests[-1] in rounds.acknowledged)
    say(asked=dict(rounds.asked), latest=some_id(str(BATCHES)))


async def see_that_the_node_agrees(rounds: Rounds, me: Me) -> None:
    """Ask for every subtree of the first two levels."""
    own = rounds.carried.of(me.node_id)
    rounds.answers.clear()
    await rounds.sync("node", origin=me.node_id, prefix="")
    await rounds.until(lambda: bool(rounds.answers))
    top = rounds.answers.pop()
    assert (top["op"], top["prefix"]) == ("children", "")
    assert top["digests"] == [digest.hex() for digest in children(own, "")]
    for digit in DIGITS:
        await rounds.sync("node", origin=me.node_id, prefix=digit)
    await rounds.until(lambda: len(rounds.answers) == len(DIGITS))
    for answer in rounds.answers:
        assert answer["op"] == "list"
        listed = [bytes.fromhex(digest) for _, _, digest in answer["items"]]
        assert sorted(listed) == under(own, answer["prefix"])
    say(subtrees=len(rounds.answers))


async def tell_and_compare(dial: Callable[[bytes], Awaitable[Link]], me: Me, block_id: str) -> None:
    """Everything, over two links one after the other; `dial` with our instance."""
    instance = os.urandom(16)
    link = await dial(instance)
    node_id = link.peer["nodeId"]
    say(linked=node_id)
    carried = Carried(me.network)
    rounds = Rounds(link, carried)
    await rounds.tell_all()
    await read_the_nodes(rounds, node_id)
    await tell_the_first(rounds, me, block_id)
    await hear_of_a_change(rounds, node_id)
    await tell_many(rounds, me, block_id)
    await see_that_the_node_agrees(rounds, me)
    await link.leave()

    again = Rounds(await dial(instance), carried)
    await again.tell_all()
    await again.until(lambda: again.rounds == 1)
    told = again.told[me.node_id]
    assert told["head"] == {
        name: value for name, value in carried.heads[me.node_id].items() if name != "aLaterField"
    }
    assert told["root"] == carried.root(me.node_id)
    assert again.told[node_id]["root"] == carried.root(node_id)
    say(count=told["count"])
    await again.link.leave()
