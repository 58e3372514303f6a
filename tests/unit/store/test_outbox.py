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
