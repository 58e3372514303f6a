"""Passing blocks on: order, and what goes wrong."""

from collections.abc import AsyncIterator

import pytest

from edgenode.core.events import HAVE, LACK, BlockSync
from edgenode.core.inbound import Chunk
from tests.unit.daemon.virtual.passers import BLOCK, HOLDER, KIB, OTHER, Place


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    yield made
    made.passing.stop()


async def test_bytes_are_passed_on_under_the_askers_id(place: Place) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 4, 10)
    wanted = await place.links[HOLDER].next_sync()
    assert (wanted.offset, wanted.length, wanted.through) == (10, 4, False)
    assert place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, 10, b"ab"))
    assert place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, 12, b"cd"))
    for offset, data in ((10, b"ab"), (12, b"cd")):
        chunk = await asker.next_chunk()
        assert (chunk.fetch_id, chunk.offset, chunk.data) == (7, offset, data)
    assert place.counters.bytes_relayed == 4


async def test_what_was_not_asked_for_is_left_to_others(place: Place) -> None:
    assert not place.passing.on_chunk(HOLDER, Chunk(101, 0, b"a"))
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 4)
    wanted = await place.links[HOLDER].next_sync()
    assert not place.passing.on_chunk(OTHER, Chunk(wanted.fetch_id, 0, b"a"))
    assert not place.passing.on_sync(HOLDER, BlockSync(LACK, BLOCK, wanted.fetch_id + 1))


async def test_a_holder_that_lacks_it_is_replaced_by_one_that_has_it() -> None:
    place = Place(known=(OTHER, HOLDER, "cc" * 32))
    asker = place.asker()
    place.want(asker)
    asked = await place.links[OTHER].next_sync()
    place.passing.on_sync(OTHER, BlockSync(LACK, BLOCK, asked.fetch_id, reason="not-held"))
    asked = await place.links[HOLDER].next_sync()
    place.passing.on_sync(HOLDER, BlockSync(HAVE, BLOCK, asked.fetch_id, size=5))
    assert (await asker.next_sync()).size == 5
    place.passing.stop()


@pytest.mark.parametrize("known", [(), ("cc" * 32,), ("00" * 32,)])
async def test_a_block_of_nobody_else_that_is_linked_is_lacking(known: tuple[str, ...]) -> None:
    place = Place(known=known)
    asker = place.asker()
    place.links["00" * 32] = asker
    place.want(asker)
    lack = await asker.next_sync()
    assert (lack.op, lack.reason) == (LACK, "not-held")
    place.passing.stop()


async def test_bytes_without_a_question_before_are_lacking(place: Place) -> None:
    asker = place.asker()
    place.want(asker, 4)
    assert (await asker.next_sync()).op == LACK


@pytest.mark.parametrize("offset", [1, 3])
async def test_bytes_at_a_wrong_place_end_it(place: Place, offset: int) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 4, 2)
    wanted = await place.links[HOLDER].next_sync()
    place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, offset, b"abcd"))
    lack = await asker.next_sync()
    assert (lack.op, lack.reason) == (LACK, "unreadable")


async def test_a_silent_holder_and_a_lost_one_end_it(place: Place) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 4)
    assert (await asker.next_sync()).reason == "unreadable"  # after the deadline

    await place.links[HOLDER].next_sync()
    await place.find(asker)
    place.want(asker, 4)
    await place.links[HOLDER].next_sync()
    place.passing.on_lost(HOLDER)
    assert (await asker.next_sync()).reason == "unreadable"


async def test_a_holder_that_stops_in_the_middle_of_a_want_ends_it() -> None:
    place = Place(bytes_per_s=4096)
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 16 * KIB)
    wanted = await place.links[HOLDER].next_sync()
    place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, 0, bytes(4096)))
    await asker.next_chunk()
    wanted = await place.links[HOLDER].next_sync()
    place.passing.on_sync(HOLDER, BlockSync(LACK, BLOCK, wanted.fetch_id, reason="busy"))
    lack = await asker.next_sync()
    assert (lack.op, lack.reason) == (LACK, "unreadable")
    assert place.links[HOLDER].sent.empty()
    place.passing.stop()


async def test_answers_that_come_late_or_twice_do_no_harm(place: Place) -> None:
    asker = place.asker()
    place.want(asker)
    asked = await place.links[HOLDER].next_sync()
    have = BlockSync(HAVE, BLOCK, asked.fetch_id, size=5)
    assert place.passing.on_sync(HOLDER, have)
    assert place.passing.on_sync(HOLDER, have)
    assert (await asker.next_sync()).op == HAVE
    assert not place.passing.on_sync(HOLDER, have)
    place.want(asker)
    assert (await asker.next_sync()).op == LACK  # after the deadline
    assert not place.passing.on_sync(HOLDER, have)


async def test_a_database_that_fails_leaves_the_asker_its_place(place: Place) -> None:
    asker = place.asker()
    place.database_fails = True
    place.want(asker)
    lack = await asker.next_sync()
    assert (lack.op, lack.reason) == (LACK, "busy")
    place.database_fails = False
    await place.find(asker)


async def test_over_a_new_link_all_begins_anew(place: Place) -> None:
    before, after = place.asker(), place.asker()
    await place.find(before)
    place.passing.on_lost(before.node_id)
    await place.find(after)
