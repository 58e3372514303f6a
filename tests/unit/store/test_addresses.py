"""What is kept of the address table."""

import sqlite3
from pathlib import Path

import pytest

from edgenode.core.address import Address, address_key
from edgenode.store.addresses import AddressTable, Anchor
from edgenode.store.state import State

NEW_KEY = bytes(range(16))
OTHER_KEY = bytes(16)
FIRST_ROW = "UPDATE addresses SET CHANGE WHERE key = x'080808011092'"
NODE = bytes(range(32))


def entry(number: int = 1, *, tried: bool = False) -> Address:
    key = address_key(f"8.8.8.{number}", 4242)
    assert key is not None
    made = Address(key, NODE, b"\x08\x08", 50)
    made.tried = tried
    made.success_s = 60 if tried else 0
    made.failures = 2
    return made


def shown(entry: Address) -> tuple[object, ...]:
    return (
        entry.host,
        entry.port,
        entry.node_id,
        entry.source,
        entry.heard_s,
        entry.success_s,
        entry.failures,
    )


def alter(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


async def test_it_is_kept_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = await State.open(path)
    table = AddressTable(state.database)
    empty = await table.load(NEW_KEY)
    assert empty == (NEW_KEY, 0, [], [])
    await table.save([entry(1), entry(2, tried=True)], 99)
    await table.save_anchors([Anchor("8.8.8.8", 4242, NODE.hex())])
    await state.close()

    state = await State.open(path)
    kept = await AddressTable(state.database).load(OTHER_KEY)
    assert kept.secret == NEW_KEY
    assert kept.clock_s == 99
    assert [(shown(item), tried) for item, tried in kept.entries] == [
        (shown(entry(1)), False),
        (shown(entry(2, tried=True)), True),
    ]
    assert kept.anchors == [Anchor("8.8.8.8", 4242, NODE.hex())]
    await state.close()


async def test_what_is_saved_takes_the_place_of_what_was(tmp_path: Path) -> None:
    state = await State.open(tmp_path / "state.db")
    table = AddressTable(state.database)
    await table.save([entry(1), entry(2)], 99)
    changed = entry(2)
    changed.failures = 3
    await table.save([changed, entry(3)], 100)
    kept = await table.load(NEW_KEY)
    assert [(item.host, item.failures) for item, _ in kept.entries] == [
        ("8.8.8.2", 3),
        ("8.8.8.3", 2),
    ]
    await table.save_anchors([Anchor(f"8.8.8.{number}", 1, NODE.hex()) for number in range(3)])
    await table.save_anchors([Anchor(f"8.8.9.{number}", 1, NODE.hex()) for number in range(3)])
    hosts = [anchor.host for anchor in (await table.load(NEW_KEY)).anchors]
    assert hosts == ["8.8.9.0", "8.8.9.1"]
    await state.close()


async def test_rows_that_are_the_same_are_not_written(tmp_path: Path) -> None:
    state = await State.open(tmp_path / "state.db")
    table = AddressTable(state.database)
    await table.save([entry(number) for number in range(200)], 99)
    before = await state.database.read(lambda connection: connection.total_changes)
    await table.save([entry(number) for number in range(200)], 100)
    after = await state.database.read(lambda connection: connection.total_changes)
    assert after - before == 1  # the clock
    await state.close()


@pytest.mark.parametrize(
    "change",
    [
        "key = x'0808'",
        "key = x'0a0000011092'",  # private
        "key = x'7f0000011092'",
        "key = x'080808010000'",  # port 0
        "key = zeroblob(2000000)",
        "node = x'00'",
        "source = x''",
        "source = zeroblob(9)",
        "failures = -1",
        "failures = 1000000",
        "heard_s = -1",
        "success_s = -1",
    ],
)
async def test_a_row_that_does_not_decode_is_left_out(tmp_path: Path, change: str) -> None:
    path = tmp_path / "state.db"
    state = await State.open(path)
    await AddressTable(state.database).save([entry(1), entry(2)], 99)
    await state.close()
    alter(path, FIRST_ROW.replace("CHANGE", change))
    state = await State.open(path)
    kept = await AddressTable(state.database).load(NEW_KEY)
    assert [item.host for item, _ in kept.entries] == ["8.8.8.2"]
    await state.close()


async def test_times_beyond_the_clock_are_brought_back(tmp_path: Path) -> None:
    state = await State.open(tmp_path / "state.db")
    table = AddressTable(state.database)
    await table.save([entry(1, tried=True)], 40)
    ((kept, _),) = (await table.load(NEW_KEY)).entries
    assert (kept.heard_s, kept.success_s) == (40, 40)
    await state.close()


async def test_an_altered_key_is_replaced_and_an_altered_clock_is_none(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = await State.open(path)
    await AddressTable(state.database).load(NEW_KEY)
    await AddressTable(state.database).save([], 99)
    await state.close()
    alter(path, "UPDATE named_values SET value = '7' WHERE name LIKE 'address-%'")
    state = await State.open(path)
    assert (await AddressTable(state.database).load(OTHER_KEY))[:2] == (OTHER_KEY, 0)
    assert (await AddressTable(state.database).load(NEW_KEY)).secret == OTHER_KEY
    await state.close()


async def test_anchors_that_are_none_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = await State.open(path)
    table = AddressTable(state.database)
    await table.save_anchors([Anchor("8.8.8.8", 4242, NODE.hex()), Anchor("::1", 1, NODE.hex())])
    await state.close()
    alter(path, "UPDATE anchors SET host = 'host.example' WHERE port = 1")
    state = await State.open(path)
    assert len((await AddressTable(state.database).load(NEW_KEY)).anchors) == 1
    await state.close()
