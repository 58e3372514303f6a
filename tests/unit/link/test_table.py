"""One link for each peer, and how many in all."""

import asyncio
import logging

import pytest

from edgenode.link.table import FRESH_S, MAX_INBOUND, MAX_LINKS, LinkTable
from tests.unit.link.conftest import PING, Pair, identity

LOW, HIGH = sorted((identity(1), identity(2)), key=lambda one: one.node_id)


def nothing(_frame: bytes) -> None:
    pass


async def test_a_new_dial_of_the_same_process_replaces_its_old_link() -> None:
    table = LinkTable(LOW.node_id)
    old, new = Pair(HIGH, LOW).far, Pair(HIGH, LOW).far
    assert await table.admit(old) is None
    assert await table.admit(new) is None
    assert table.get(HIGH.node_id) is new
    assert len(table) == 1
    assert not table.remove(old)
    assert table.remove(new)


@pytest.mark.parametrize("first", ["low", "high"])
async def test_of_a_double_dial_the_link_of_the_lower_id_stays_at_both_ends(first: str) -> None:
    by_low, by_high = Pair(LOW, HIGH), Pair(HIGH, LOW)
    low, high = LinkTable(LOW.node_id), LinkTable(HIGH.node_id)
    low_ends, high_ends = [by_low.near, by_high.far], [by_low.far, by_high.near]
    if first == "high":
        low_ends.reverse()
        high_ends.reverse()
    for table, ends in ((low, low_ends), (high, high_ends)):
        for end in ends:
            await table.admit(end)
    assert low.get(HIGH.node_id) is by_low.near
    assert high.get(LOW.node_id) is by_low.far


async def test_a_dead_link_gives_way_to_a_restarted_peer() -> None:
    table = LinkTable(LOW.node_id)
    old = Pair(HIGH, LOW)
    assert await table.admit(old.far) is None
    life = asyncio.create_task(old.far.run(nothing))
    restarted = Pair(identity(1 if identity(1).node_id == HIGH.node_id else 2), LOW).far
    assert await table.admit(restarted) is None
    assert table.get(HIGH.node_id) is restarted
    assert await life == "duplicate"


async def test_a_living_link_keeps_its_place_against_a_clone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = LinkTable(LOW.node_id)
    old = Pair(HIGH, LOW)
    assert await table.admit(old.far) is None

    def answer(frame: bytes) -> None:
        if frame == PING:
            old.near.post(b"\x01alive")

    lives = [
        asyncio.create_task(old.far.run(nothing)),
        asyncio.create_task(old.near.run(answer)),
    ]
    clone = Pair(identity(1 if identity(1).node_id == HIGH.node_id else 2), LOW).far
    with caplog.at_level(logging.WARNING):
        assert await table.admit(clone) == "clone"
    assert "two live processes" in caplog.text
    assert table.get(HIGH.node_id) is old.far
    old.far.close("bye")
    await asyncio.gather(*lives)


async def test_a_dead_link_gives_way_to_the_other_direction_after_a_while() -> None:
    table = LinkTable(LOW.node_id)
    old = Pair(LOW, HIGH).near
    assert await table.admit(old) is None
    assert await table.admit(Pair(HIGH, LOW).far) == "duplicate"
    await asyncio.sleep(FRESH_S)
    new = Pair(HIGH, LOW).far
    assert await table.admit(new) is None
    assert table.get(HIGH.node_id) is new


async def test_links_are_bounded_and_some_places_are_for_our_own_dials() -> None:
    own = identity(255)
    table = LinkTable(own.node_id)
    for number in range(MAX_INBOUND):
        assert await table.admit(Pair(identity(number), own).far) is None
    youngest = Pair(identity(100), own).far
    assert await table.admit(youngest) is None
    displaced = [link for link in table if link.is_ending]
    assert len(displaced) == 1
    assert await displaced[0].run(nothing) == "busy"
    assert table.remove(displaced[0])
    for number in range(MAX_LINKS - MAX_INBOUND):
        assert await table.admit(Pair(own, identity(150 + number)).near) is None
    assert await table.admit(Pair(own, identity(200)).near) == "busy"
    assert len(table) == MAX_LINKS


async def test_an_owner_may_want_fewer() -> None:
    own = identity(255)
    table = LinkTable(own.node_id, max_links=3, max_inbound=2)
    for number in range(2):
        assert await table.admit(Pair(identity(number), own).far) is None
    # Both are among the longest-lived.
    assert await table.admit(Pair(identity(2), own).far) == "busy"
    assert await table.admit(Pair(own, identity(3)).near) is None
    assert await table.admit(Pair(own, identity(4)).near) == "busy"


async def test_neighbours_have_places_of_their_own() -> None:
    own = identity(255)
    table = LinkTable(own.node_id, max_links=1, max_near=2, is_near=lambda _: True)
    for number in range(2):
        assert await table.admit(Pair(identity(number), own).far) is None
    assert await table.admit(Pair(identity(2), own).far) == "busy"
    assert await table.admit(Pair(own, identity(3)).near) == "busy"


async def test_so_have_static_peers() -> None:
    own = identity(255)
    static = identity(1).node_id
    table = LinkTable(own.node_id, max_links=0, max_near=1, is_static=static.__eq__)
    assert await table.admit(Pair(own, identity(2)).near) == "busy"
    assert await table.admit(Pair(own, identity(1)).near) is None
