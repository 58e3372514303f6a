"""The outbox: own updates wait durably, the newest of each key, until a batch holds them."""

from pathlib import Path

import pytest

from edgenode.core.errors import Busy
from edgenode.core.records import Update
from edgenode.store import outbox as outbox_module
from edgenode.store.database import Database
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from tests.unit.store.record_makers import batch, block, heat, meta, node, place
from tests.unit.store.test_database import watch


@pytest.fixture
async def outbox(database: Database) -> Outbox:
    outbox = Outbox(database)
    await outbox.open()
    return outbox


def plain(taken: list[tuple[int, Update]]) -> list[dict[str, object]]:
    return [update.to_data() for _, update in taken]


def told(*updates: Update) -> list[dict[str, object]]:
    return [update.to_data() for update in updates]


async def test_updates_come_out_as_they_were_put_in_their_order(outbox: Outbox) -> None:
    updates = [heat(3, "HOT"), heat(1, None), place(3, 7), meta(2, é="ü")]
    await outbox.put(updates[:2])
    await outbox.put(updates[2:])
    assert outbox.count == 4
    assert plain(await outbox.take(10)) == told(*updates)
    assert plain(await outbox.take(2)) == told(*updates[:2])
    assert outbox.count == 4


async def test_of_one_record_the_newest_update_waits(outbox: Outbox) -> None:
    await outbox.put([heat(1, "HOT"), heat(2, "HOT"), place(1, 5)])
    await outbox.put([heat(1, "COLD"), heat(1, "WARM")])
    assert outbox.count == 3
    assert plain(await outbox.take(10)) == told(heat(2, "HOT"), place(1, 5), heat(1, "WARM"))


async def test_sent_updates_go_and_those_put_meanwhile_stay(
    database: Database, outbox: Outbox
) -> None:
    await outbox.put([heat(1, "HOT"), heat(2, "HOT"), heat(3, "HOT")])
    taken = await outbox.take(2)
    await outbox.put([heat(2, "COLD")])
    row, updates = batch(1, 1, 1, *(update for _, update in taken))
    await outbox.sent(row, updates, [key for key, _ in taken])
    assert outbox.count == 2
    assert plain(await outbox.take(10)) == told(heat(3, "HOT"), heat(2, "COLD"))
    records = Records(database)
    assert await records.batch(node(1), 1, 1) == row
    assert [r.data for r in await records.of_block(block(2))] == [{"class": "HOT"}]


async def test_no_id_is_given_twice(outbox: Outbox) -> None:
    """Or what is put while the last one is sent would go with it."""
    await outbox.put([heat(1, "HOT")])
    ((key, _),) = await outbox.take(1)
    await outbox.sent(*batch(1, 1, 1, heat(1, "HOT")), [key])
    await outbox.put([heat(1, "COLD")])
    await outbox.sent(*batch(1, 1, 2, heat(1, "HOT")), [key])
    assert plain(await outbox.take(1)) == told(heat(1, "COLD"))


async def test_what_is_put_and_sent_is_durable(database: Database, outbox: Outbox) -> None:
    watched = watch(database)
    await outbox.put([heat(1, "HOT")])
    assert watched.commits == 1
    ((key, update),) = await outbox.take(1)
    await outbox.sent(*batch(1, 1, 1, update), [key])
    assert watched.commits == 2


async def test_a_full_outbox_refuses_what_is_new_and_keeps_what_it_has(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "MAX_PENDING", 3)
    await outbox.put([heat(n, "HOT") for n in range(2)])
    with pytest.raises(Busy, match="2 updates wait to be sent, at most 3 may"):
        await outbox.put([heat(0, "COLD"), heat(2, "HOT"), heat(3, "HOT")])
    assert plain(await outbox.take(10)) == told(heat(0, "HOT"), heat(1, "HOT"))
    await outbox.put([heat(2, "HOT")])
    await outbox.put([heat(0, "COLD"), heat(1, "COLD")])
    assert plain(await outbox.take(10)) == told(heat(2, "HOT"), heat(0, "COLD"), heat(1, "COLD"))
    monkeypatch.setattr(outbox_module, "MAX_PENDING", 2)  # a later version with a lower bound
    await outbox.put([heat(0, "WARM")])
    assert outbox.count == 3


async def test_the_next_start_finds_what_was_left(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "state.db")
    await Outbox(database).put([heat(1, "HOT"), heat(2, "HOT")])
    await database.close()
    database = await Database.open(tmp_path / "state.db")
    outbox = Outbox(database)
    await outbox.open()
    assert outbox.count == 2
    assert plain(await outbox.take(9)) == told(heat(1, "HOT"), heat(2, "HOT"))
    await database.close()


async def test_withheld_is_told_apart_from_withdrawn(outbox: Outbox, database: Database) -> None:
    await outbox.put([place(1, 7), place(2, 7), place(3, 7)])
    await outbox.put([place(1, None)])
    await outbox.withhold(block(2))
    both = [place(1, None), place(2, None)]
    waiting = plain(await outbox.take(10))
    assert all(update in waiting for update in told(*both))
    blocks = [block(number) for number in range(4)]
    assert await outbox.withheld(blocks) == {block(2)}
    await outbox.sent(batch(1, 1, 1, *both)[0], both, [key for key, _ in await outbox.take(10)])
    assert await Outbox(database).withheld(blocks) == {block(2)}  # in a batch, and for good

    await outbox.put([heat(2, "HOT"), meta(2)])
    await outbox.put_again([place(2, 7)])  # by repacking: nothing was said
    assert await outbox.withheld(blocks) == {block(2)}
    await outbox.put([place(2, None)])  # the block went
    assert await outbox.withheld(blocks) == set()


async def test_withheld_blocks_come_in_pages(outbox: Outbox) -> None:
    for number in (3, 1, 2):
        await outbox.withhold(block(number))
    found = await outbox.all_withheld("", 2)
    assert found == sorted(block(number) for number in (1, 2, 3))[:2]
    assert found + await outbox.all_withheld(found[-1], 2) == sorted(map(block, (1, 2, 3)))
    await outbox.forget_withheld(found[0])
    assert await outbox.all_withheld("", 2) == sorted(map(block, (1, 2, 3)))[1:]


async def test_a_full_outbox_withholds_nothing(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "MAX_PENDING", 1)
    await outbox.put([heat(1, "HOT")])
    with pytest.raises(Busy):
        await outbox.withhold(block(2))
    assert await outbox.all_withheld("", 10) == []
    assert outbox.count == 1


async def test_blocks_whose_location_waits(outbox: Outbox) -> None:
    await outbox.put([place(1, 7), place(2, None), heat(3, "HOT"), place(4, 7), place(5, 7)])
    found = await outbox.to_locate("", 2)
    assert found + await outbox.to_locate(found[-1], 2) == sorted(map(block, (1, 4, 5)))


async def test_what_stands_is_what_waits_and_then_what_was_told(
    outbox: Outbox, database: Database
) -> None:
    records = Records(database)
    updates = [place(1, 7), place(2, None), place(3, 7), place(4, None), heat(5, "HOT")]
    await outbox.put(updates)
    await outbox.sent(
        batch(1, 1, 1, *updates)[0], updates, [key for key, _ in await outbox.take(10)]
    )
    await outbox.put([place(3, None), place(4, 7), place(6, 7)])
    blocks = [block(number) for number in range(8)]
    standing = await records.standing(node(1), "LOCATION", blocks)
    assert standing == {block(1), block(4), block(6)}
