"""Passing blocks on: how much, and for how many."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from edgenode.core.errors import ProtocolError
from edgenode.core.events import HAVE, LACK, BlockSync
from edgenode.core.inbound import Chunk
from edgenode.daemon.reach.passing import IDLE_S, MAX_ASKERS, MAX_WAITING
from tests.unit.daemon.virtual.passers import BLOCK, HOLDER, KIB, Place


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    yield made
    made.passing.stop()


async def test_one_holds_so_many_wants_of_an_asker_and_no_more(place: Place) -> None:
    asker = place.asker()
    for number in range(MAX_WAITING + 1):
        place.want(asker, 4, number, fetch_id=number)
    lack = await asker.next_sync()
    assert (lack.fetch_id, lack.reason) == (MAX_WAITING, "busy")


async def test_so_many_askers_are_served_at_once_and_places_come_free(place: Place) -> None:
    askers = [place.asker(number) for number in range(MAX_ASKERS + 1)]
    for asker in askers:
        place.want(asker)
    assert (await askers[-1].next_sync()).reason == "busy"
    place.passing.on_lost(askers[0].node_id)
    place.want(askers[-1])
    for _ in range(MAX_ASKERS):
        asked = await place.links[HOLDER].next_sync()
    place.passing.on_sync(HOLDER, BlockSync(HAVE, BLOCK, asked.fetch_id, size=5))
    assert (await askers[-1].next_sync()).op == HAVE


async def test_idle_askers_give_their_place_back(place: Place) -> None:
    for number in range(MAX_ASKERS):
        asker = place.asker(number)
        place.want(asker, 4)
        assert (await asker.next_sync()).op == LACK
    await asyncio.sleep(31)
    late = place.asker(MAX_ASKERS)
    place.want(late, 4)
    assert (await late.next_sync()).reason == "not-held"


async def test_the_bandwidth_is_kept_and_shared() -> None:
    place = Place(bytes_per_s=64 * KIB)
    askers = [place.asker(0), place.asker(1)]
    for asker in askers:
        await place.find(asker)
    now = asyncio.get_running_loop().time
    began = now()
    for asker in askers:
        for number in range(2):
            place.want(asker, 256 * KIB, number * 256 * KIB)
    order = []
    for _ in range(16):
        wanted = await place.links[HOLDER].next_sync()
        assert wanted.length == 64 * KIB
        order.append((round(now() - began), wanted.offset // (64 * KIB)))
        place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, wanted.offset, bytes(64 * KIB)))
    burst = [(0, 0), (0, 0), (0, 1), (0, 1)]  # 256 KiB, then one piece a second
    assert order == burst + [(second, (second + 3) // 2) for second in range(1, 13)]
    await asyncio.sleep(0.1)
    assert place.counters.bytes_relayed == 1024 * KIB
    place.passing.stop()


async def test_in_the_least_bandwidth_one_asker_is_served_all_the_time() -> None:
    place = Place(bytes_per_s=4096)
    asker, other = place.asker(0), place.asker(1)
    await place.find(asker)
    place.want(other)
    assert (await other.next_sync()).reason == "busy"
    now = asyncio.get_running_loop().time
    for number in range(2):
        place.want(asker, 256 * KIB, number * 256 * KIB)
    offset, heard = 0, now()
    while offset < 512 * KIB:
        wanted = await place.links[HOLDER].next_sync()
        place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, offset, bytes(wanted.length)))
        chunk = await asker.next_chunk()
        assert (chunk.fetch_id, chunk.offset) == (7, offset)
        offset += len(chunk.data)
        assert now() - heard < 2  # or the asker would give up
        heard = now()
    place.passing.stop()


async def test_a_flood_of_a_holder_is_its_own_fault(place: Place) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 256 * KIB)
    wanted = await place.links[HOLDER].next_sync()
    with pytest.raises(ProtocolError):
        for _ in range(257):
            place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, 0, b"a"))


async def test_more_bytes_than_were_asked_for_are_not_kept(place: Place) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 100)
    wanted = await place.links[HOLDER].next_sync()
    [one] = place.passing._askers.values()
    for _ in range(1000):
        place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, 0, bytes(64 * KIB)))
    assert one.answers.empty()
    place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, 0, bytes(100)))
    assert len((await asker.next_chunk()).data) == 100


async def test_small_chunks_for_a_slow_asker_are_no_flood(place: Place) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 256 * KIB)
    wanted = await place.links[HOLDER].next_sync()
    for number in range(256):
        place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, number * KIB, bytes(KIB)))
    for number in range(256):
        assert (await asker.next_chunk()).offset == number * KIB


async def test_an_idle_asker_gives_its_place_to_one_who_comes(place: Place) -> None:
    askers = [place.asker(number) for number in range(MAX_ASKERS + 1)]
    for asker in askers[:-1]:
        await place.find(asker)
    place.want(askers[0], 4)  # which takes a while
    place.want(askers[-1])
    assert (await askers[-1].next_sync()).reason == "busy"
    await asyncio.sleep(IDLE_S)
    late = asyncio.create_task(place.find(askers[-1]))
    wanted = await place.links[HOLDER].next_sync()
    assert wanted.length == 4
    await late
    assert set(place.passing._askers) == {
        asker.node_id for asker in askers if asker is not askers[1]
    }


async def test_who_wants_something_this_moment_is_not_idle(place: Place) -> None:
    askers = [place.asker(number) for number in range(MAX_ASKERS + 1)]
    for asker in askers[:-1]:
        await place.find(asker)
    await asyncio.sleep(IDLE_S)
    place.want(askers[0])
    place.want(askers[-1])
    assert askers[0].node_id in place.passing._askers
    assert askers[1].node_id not in place.passing._askers


async def test_nothing_is_passed_on_at_no_bandwidth() -> None:
    place = Place(bytes_per_s=0)
    asker = place.asker()
    place.want(asker)
    assert (await asker.next_sync()).reason == "not-held"
