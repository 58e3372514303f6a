"""Two batches under one number: the same one counts everywhere, and both are kept as proof."""

import itertools

import pytest

from edgenode.store import conflicts as conflicts_module
from edgenode.store.records import Added, Records
from tests.unit.store.record_makers import (
    Batch,
    batch,
    block,
    by_digest,
    heat,
    meta,
    node,
    place,
    temperature,
)


async def test_of_two_batches_under_one_number_the_higher_digest_counts(records: Records) -> None:
    low, high = by_digest(*(batch(1, 1, 5, heat(1, "HOT"), batch_id=name) for name in "ab"))
    assert await records.add([low], durable=True) == [Added(True, None)]
    assert await records.add([high], durable=True) == [Added(True, low[0].digest)]
    assert await records.batch(node(1), 1, 5) == high[0]
    assert await records.add([low], durable=True) == [Added(False, None)]
    assert await records.batch(node(1), 1, 5) == high[0]
    assert await records.digests(node(1)) == [(1, 5, high[0].digest)]
    assert await records.conflicts() == [(low[0], high[0])]


def loser_and_winner() -> tuple[Batch, Batch]:
    """Batches of one number, the first of block 1, the second of another."""
    low = batch(1, 1, 5, heat(1, "HOT"))
    high = by_digest(*(batch(1, 1, 5, heat(9, "HOT"), batch_id=str(n)) for n in range(20)))[-1]
    assert low[0].digest < high[0].digest
    return low, high


async def test_what_the_loser_had_replaced_comes_back(records: Records) -> None:
    low, high = loser_and_winner()
    await records.add([batch(1, 1, 2, heat(1, "COLD"), place(1, 9)), low], durable=True)
    assert await temperature(records, 1) == "HOT"
    await records.add([high], durable=True)
    assert await temperature(records, 1) == "COLD"
    assert await records.holders([block(1)]) == {block(1): [node(1)]}


async def test_updates_of_a_type_that_was_unknown_then_do_no_harm(records: Records) -> None:
    """A later version finds them in old batches when it reads one again."""
    row, updates = batch(1, 1, 2, meta(5, a="b"), heat(1, "COLD"), heat(2, "COLD"))
    low, high = loser_and_winner()
    await records.add([(row, updates[1:]), low, high], durable=True)
    assert await temperature(records, 1) == "COLD"
    assert [r.place for r in await records.of_block(block(2))] == [2]
    assert [r.data for r in await records.of_block(block(5))] == [{"user": {"a": "b"}}]


async def test_proofs_are_bounded(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts_module, "MAX_CONFLICTS", 3)
    for origin, name in itertools.product(range(5), "abc"):
        await records.add([batch(origin, 1, 1, heat(1, "HOT"), batch_id=name)], durable=False)
    proofs = await records.conflicts()
    assert [one.origin for one, _ in proofs] == [node(2), node(3), node(4)]
    assert all(one.digest != other.digest for one, other in proofs)
