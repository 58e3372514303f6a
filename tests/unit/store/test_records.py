"""Records: the newest of each key stands, whatever order batches come in."""

import random
from pathlib import Path

import pytest

from edgenode.core.errors import Busy, DataFolderError
from edgenode.core.records import LOCATION, METADATA, TEMPERATURE, TYPES, Update
from edgenode.store import origins as origins_module
from edgenode.store import views
from edgenode.store.database import Database
from edgenode.store.records import Added, Records
from edgenode.store.rows import TYPE_CODES
from tests.unit.store.record_makers import (
    TIMESTAMP,
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

View = dict[tuple[str, str, str], tuple[tuple[int, int, int], dict[str, object] | None]]


async def view_of(records: Records, blocks: range) -> View:
    """Every record of the blocks, by its key."""
    return {
        (row.block_id, row.type, row.origin): ((row.epoch, row.seq, row.place), row.data)
        for number in blocks
        for row in await records.of_block(block(number))
    }


async def test_a_batch_and_its_records_come_back_as_they_were(records: Records) -> None:
    row, updates = batch(1, 3, 7, heat(1, "HOT"), place(1, 5), meta(1, é="ü\n\U0001f600"))
    assert await records.add([(row, updates)], durable=True) == [Added(True, None)]
    assert await records.batch(node(1), 3, 7) == row
    assert await records.batch(node(1), 3, 8) is None
    assert await records.batch(node(2), 3, 7) is None
    assert await records.batches(node(1), [(3, 6), (3, 7)]) == [row]
    assert await records.digests(node(1)) == [(3, 7, row.digest)]
    found = await records.of_block(block(1))
    assert [(r.type, r.place, r.data) for r in found] == [
        (TEMPERATURE, 0, {"class": "HOT"}),
        (LOCATION, 1, {"size": 5}),
        (METADATA, 2, {"user": {"é": "ü\n\U0001f600"}}),
    ]
    for record in found:
        assert (record.block_id, record.origin) == (block(1), node(1))
        assert (record.epoch, record.seq, record.timestamp_ms) == (3, 7, TIMESTAMP + 7)
    assert await records.own_record(block(1), LOCATION, node(1)) == found[1]
    assert await records.own_record(block(1), LOCATION, node(2)) is None
    assert await records.of_block(block(2)) == []
    assert await records.of_block("no id") == []


async def test_the_same_batch_again_changes_nothing(records: Records) -> None:
    one = batch(1, 1, 1, heat(1, "HOT"))
    results = await records.add([one, one], durable=True)
    results += await records.add([one], durable=True)
    assert [result.new for result in results] == [True, False, False]
    assert len(await records.digests(node(1))) == 1


async def test_only_what_is_newer_replaces(records: Records) -> None:
    for epoch, seq, told, standing in (
        (2, 5, "HOT", "HOT"),
        (2, 4, "COLD", "HOT"),
        (1, 9, "COLD", "HOT"),
        (3, 1, "WARM", "WARM"),
    ):
        await records.add([batch(1, epoch, seq, heat(1, told))], durable=False)
        assert await temperature(records, 1) == standing
    last = batch(1, 3, 2, heat(1, "COLD"), heat(2, "COOL"), heat(1, "VIRAL"))
    await records.add([last], durable=False)
    assert await temperature(records, 1) == "VIRAL"
    await records.add([batch(2, 9, 9, heat(1, "FROZEN"))], durable=False)
    assert await temperature(records, 1) == "VIRAL"
    assert await temperature(records, 1, origin=2) == "FROZEN"


async def test_a_withdrawn_record_stays_withdrawn(records: Records) -> None:
    await records.add([batch(1, 1, 2, place(1, None))], durable=True)
    await records.add([batch(1, 1, 1, place(1, 10))], durable=True)
    row = await records.own_record(block(1), LOCATION, node(1))
    assert row is not None
    assert row.data is None
    assert await records.holders([block(1)]) == {}
    await records.add([batch(1, 1, 3, place(1, 10))], durable=True)
    assert await records.holders([block(1), block(2), "no id"]) == {block(1): [node(1)]}


def mixed_batches(chance: random.Random, origin: int, count: int) -> list[Batch]:
    made = []
    for number in range(count):
        updates = [
            chance.choice(
                (heat(n, chance.choice(("HOT", None))), place(n, chance.choice((1, None))))
            )
            for n in chance.choices(range(6), k=chance.randrange(1, 5))
        ]
        made.append(batch(origin, 1 + number // 4, 1 + number % 4, *updates))
    return made


async def test_the_order_of_arrival_makes_no_difference(tmp_path: Path) -> None:
    """Conflicting batches, floors and repetitions among them."""
    chance = random.Random(7)
    for round_ in range(8):
        made = mixed_batches(chance, 1, 8) + mixed_batches(chance, 2, 8)
        rivals = [batch(1, 1, s, heat(s, "VIRAL"), batch_id=f"{r}") for s in (2, 3) for r in "abc"]
        floor = (1, chance.randrange(1, 4))
        views_seen = []
        for order in range(4):
            database = await Database.open(tmp_path / f"{round_}-{order}.db")
            records = Records(database)
            every = made + rivals + made[:3]
            chance.shuffle(every)
            floor_at = chance.randrange(len(every))
            for at, one in enumerate(every):
                if at == floor_at:
                    await records.raise_floor(node(1), *floor)
                await records.add([one], durable=False)
            seen = await view_of(records, range(10))
            views_seen.append((seen, await records.digests(node(1)), await records.totals()))
            live = [data for _, data in seen.values() if data is not None]
            assert views_seen[-1][2][0] == len(live)
            await database.close()
        assert all(seen == views_seen[0] for seen in views_seen)


async def test_below_the_floor_all_is_dead(records: Records) -> None:
    made = [batch(1, 1, seq, heat(seq, "HOT"), heat(9, "HOT")) for seq in (1, 2, 3)]
    await records.add([*made, batch(2, 1, 1, heat(1, "COLD"))], durable=True)
    dead = await records.raise_floor(node(1), 1, 3)
    assert dead == [made[0][0].digest, made[1][0].digest]
    assert await records.raise_floor(node(1), 1, 2) == []
    assert await records.digests(node(1)) == [(1, 3, made[2][0].digest)]
    assert await records.batch(node(1), 1, 1) is None
    assert [r.origin for r in await records.of_block(block(1))] == [node(2)]
    assert await temperature(records, 9) == "HOT"
    assert await records.add([made[0]], durable=True) == [Added(False, None)]
    assert await records.of_block(block(2)) == []
    (origin, _) = await records.origins()
    assert (origin.floor_epoch, origin.floor_seq) == (1, 3)


async def test_heads_only_go_up(records: Records) -> None:
    assert await records.set_head(node(1), b"head", 2, 5, 1000)
    for position in ((2, 5), (2, 4), (1, 9)):
        assert not await records.set_head(node(1), b"old", *position, 2000)
    assert await records.set_head(node(1), b"next", 3, 1, 3000)
    await records.add(
        [batch(1, 4, 4, heat(1, "HOT")), batch(1, 4, 2, heat(1, "HOT"))], durable=False
    )
    (origin,) = await records.origins()
    assert origin.node_id == node(1)
    assert (origin.head, origin.head_epoch, origin.head_seq) == (b"next", 3, 1)
    assert (origin.batch_epoch, origin.batch_seq, origin.refreshed_ms) == (4, 4, 3000)


async def test_the_marks_outlive_the_records(database: Database) -> None:
    records = Records(database)
    await records.add([batch(1, 2, 7, heat(1, "HOT"), place(1, 3))], durable=True)
    await records.add([batch(2, 1, 1, heat(1, "COLD"))], durable=True)
    await records.set_head(node(1), b"head", 2, 3, 5000)
    await records.drop_origin(node(1))
    await records.drop_origin(node(3))
    assert await records.digests(node(1)) == []
    assert [r.origin for r in await records.of_block(block(1))] == [node(2)]
    marks = (await records.origins())[0]
    assert (marks.head, marks.head_epoch, marks.head_seq) == (None, 2, 3)
    assert (marks.batch_epoch, marks.batch_seq) == (2, 7)
    assert not await records.set_head(node(1), b"old", 2, 3, 6000)
    assert await records.forget(5000) == 0
    assert await records.forget(5001) == 1
    assert [origin.node_id for origin in await records.origins()] == [node(2)]
    # The other has batches, however long ago it was refreshed.
    assert await records.forget(1 << 60) == 0
    bodies = await database.read(lambda c: c.execute("SELECT count(*) FROM bodies").fetchone())
    assert bodies == (1,)


async def test_origins_are_bounded(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins_module, "MAX_ORIGINS", 3)
    for number in range(3):
        await records.add([batch(number, 1, 1, heat(1, "HOT"))], durable=True)
    with pytest.raises(Busy, match="3 origins"):
        await records.add([batch(3, 1, 1, heat(1, "HOT"))], durable=True)
    assert len(await records.of_block(block(1))) == 3
    await records.raise_floor(node(0), 1, 2)  # has no batch now, but a head
    await records.set_head(node(0), b"head", 1, 1, 0)
    with pytest.raises(Busy):
        await records.set_head(node(3), b"head", 1, 1, 0)
    await records.drop_origin(node(1))
    await records.add([batch(3, 1, 1, heat(1, "HOT"))], durable=True)
    assert {o.node_id for o in await records.origins()} == {node(0), node(2), node(3)}


async def test_what_repacking_reads(records: Records) -> None:
    assert await records.bytes_of(node(1)) == (0, 0)
    first = batch(1, 1, 1, heat(1, "HOT"), heat(2, "HOT"))
    second = batch(1, 1, 2, heat(1, "COLD"), place(3, None))
    third = batch(1, 2, 1, heat(2, None), meta(4, a="b"))
    sizes = [len(row.payload) + len(row.signature) for row, _ in (first, second, third)]
    await records.add([first], durable=True)
    assert await records.bytes_of(node(1)) == (sizes[0], sizes[0])
    await records.add([second, third, batch(2, 1, 1, heat(1, "HOT"))], durable=True)
    assert await records.bytes_of(node(1)) == (sum(sizes), sizes[1] + sizes[2])
    rows = await records.live_records(node(1), (0, 0, 0), 10)
    assert [(r.epoch, r.seq, r.place, r.block_id) for r in rows] == [
        (1, 2, 0, block(1)),
        (2, 1, 1, block(4)),
    ]
    assert await records.live_records(node(1), (0, 0, 0), 1) == rows[:1]
    assert await records.live_records(node(1), (1, 2, 0), 1) == rows[1:]
    await records.add([batch(1, 2, 2, meta(4, a="c"))], durable=True)
    assert (await records.bytes_of(node(1)))[1] == sizes[1] + 64 + len(
        batch(1, 2, 2, meta(4, a="c"))[0].payload
    )


async def test_totals_leave_out_what_is_withdrawn(records: Records) -> None:
    assert await records.totals() == (0, 0, 0)
    await records.add([batch(1, 1, 1, heat(1, "HOT"), place(1, 5), place(2, 5))], durable=True)
    await records.add([batch(2, 1, 1, place(1, 5), place(3, 5))], durable=True)
    assert await records.totals() == (5, 3, 4)
    await records.add([batch(2, 1, 2, place(1, None), place(3, None))], durable=True)
    assert await records.totals() == (3, 2, 2)


async def test_no_crowd_hides_who_was_known_before(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MAX_SHOWN", 2)
    monkeypatch.setattr(views, "MAX_HOLDERS", 2)
    for number in (5, 3, 4, 1):
        await records.add([batch(number, 1, 1, place(1, 5), heat(1, "HOT"))], durable=True)
    known_first = [node(5), node(3)]
    assert [r.origin for r in await records.of_block(block(1))] == known_first * 2
    assert await records.holders([block(1)]) == {block(1): known_first}


async def test_ids_that_only_begin_alike_are_told_apart(records: Records) -> None:
    like = block(1)[:32] + block(2)[32:]
    update = Update(LOCATION, like, {"size": 1})
    row, _ = batch(1, 1, 1, place(1, 5))
    await records.add([(row, [update])], durable=True)
    assert await records.of_block(block(1)) == []
    assert await records.holders([block(1), like]) == {like: [node(1)]}


async def test_of_ids_that_begin_alike_an_origin_has_one_record(records: Records) -> None:
    """Nobody can make two such blocks; who invents ids sees the newer one, whole."""
    like = block(1)[:32] + block(2)[32:]
    row, _ = batch(1, 1, 2, place(1, 5))
    await records.add([batch(1, 1, 1, place(1, 5))], durable=True)
    await records.add([(row, [Update(LOCATION, like, {"size": 1})])], durable=True)
    assert await records.holders([block(1), like]) == {like: [node(1)]}


async def test_all_of_an_add_or_nothing(records: Records) -> None:
    bad = Update("NONE", block(1), None)
    row, _ = batch(1, 1, 2, heat(1, "HOT"))
    with pytest.raises(KeyError):
        await records.add([batch(1, 1, 1, heat(1, "HOT")), (row, [bad])], durable=True)
    assert await records.origins() == []
    assert await records.digests(node(1)) == []


async def test_damaged_data_is_an_error_and_no_surprise(database: Database) -> None:
    records = Records(database)
    await records.add([batch(1, 1, 1, heat(1, "HOT"))], durable=True)
    await database.write(lambda c: c.execute("UPDATE records SET data = '{'"), durable=True)
    with pytest.raises(DataFolderError, match="altered"):
        await records.of_block(block(1))


def test_every_type_has_a_code_of_its_own() -> None:
    """The codes are in databases: they never change."""
    assert TYPE_CODES == {"TEMPERATURE": 0, "LOCATION": 1, "METADATA": 2}
    assert set(TYPE_CODES) == set(TYPES)


async def test_batches_of_a_leaf_come_by_the_index(records: Records) -> None:
    made = by_digest(*(batch(1, 1, seq, heat(seq, "HOT")) for seq in range(1, 9)))
    await records.add([*made, batch(2, 1, 1, heat(1, "HOT"))], durable=False)
    digests = [row.digest for row, _ in made]
    found = await records.batches_between(node(1), digests[2], digests[5])
    assert found == [(1, row.seq, row.digest) for row, _ in made[2:6]]
    assert await records.batches_between(node(3), digests[0], digests[7]) == []
    await records.raise_floor(node(1), 1, 5)
    found = await records.batches_between(node(1), bytes(16), b"\xff" * 16)
    assert sorted(seq for _, seq, _ in found) == [5, 6, 7, 8]
