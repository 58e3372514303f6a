"""Meetings in a hostile world: whom nodes do not dial, and how much they do for others."""

import asyncio
from typing import cast

import pytest

from edgenode.core.meetevents import CALL, DIAL, LACK, Meet
from edgenode.daemon.reach.introducing import BURST
from edgenode.daemon.reach.meeting import (
    ANSWERS_BURST,
    MAX_ANSWERS,
    MEET_S,
    MIDDLE_ANSWERS,
    MIDDLE_BURST,
)
from edgenode.link.link import Link
from tests.unit.daemon.virtual.meetings import AT, A, B, FakeLink, M, N, World


async def flood(world: World, middle_id: str, count: int, *, dial_s: float = 0.001) -> int:
    """Let one in the middle make up calls to B; return how many B has answered."""
    before = len(world.done)
    world.dial_s = dial_s
    for number in range(count):
        call = Meet(CALL, f"{before + number:064x}", number, port=1, address="8.9.9.9")
        world.meetings[B].on_step(cast(Link, world.links[B][middle_id]), call)
        await asyncio.sleep(0.01)
    return len(world.done) - before


async def test_a_node_is_not_made_to_dial_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    world.add_middle()
    answered = await flood(world, M, 150)
    assert MIDDLE_BURST <= answered <= MIDDLE_BURST + 1
    answered += await flood(world, N, 150)
    assert ANSWERS_BURST <= answered <= ANSWERS_BURST + 4


async def test_one_in_the_middle_leaves_places_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    world.add_middle()
    assert await flood(world, M, 20, dial_s=100) == MIDDLE_ANSWERS
    assert await flood(world, N, 20, dial_s=100) == MAX_ANSWERS - MIDDLE_ANSWERS
    await world.meetings[B].stop()


async def test_one_who_left_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    await flood(world, M, 30)
    world.meetings[B].on_lost(M)
    assert await flood(world, M, 1) == 1
    assert set(world.meetings[B]._buckets) == {M}


async def test_one_whose_link_was_replaced_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    call = Meet(CALL, A, 1, port=1, address=AT[A])
    world.meetings[B].on_step(cast(Link, FakeLink(M)), call)
    await asyncio.sleep(1)
    assert world.done == []
    world.introducing.pass_on(cast(Link, FakeLink(A)), call)
    assert world.steps == []


@pytest.mark.parametrize("address", ["8.9.9.9", "192.168.1.1"])
async def test_untruths_of_one_in_the_middle_keep_nobody_from_the_others(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    world = World(monkeypatch, {B: 5001})
    world.add_middle()
    world.dial_s = 0.5 * MEET_S
    task = asyncio.create_task(world.meetings[A].meet(B))
    await asyncio.sleep(0)
    [meet_id] = world.meetings[A]._calls
    liar = cast(Link, world.links[A][M])
    world.meetings[A].on_step(liar, Meet(DIAL, B, meet_id, port=1, address=address))
    assert await task
    assert (A, "dial", AT[B], 5001) in world.done
    assert (A, "dial", "192.168.1.1", 1) not in world.done


@pytest.mark.parametrize(
    "address", ["192.168.1.1", "127.0.0.1", "100.64.0.1", "fe80::1", "ff02::1"]
)
async def test_a_call_from_nowhere_is_not_answered(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    world = World(monkeypatch, {})
    middle = cast(Link, world.links[B][M])
    world.meetings[B].on_step(middle, Meet(CALL, A, 1, port=5, address=address))
    assert not world.meetings[B]._answers


@pytest.mark.parametrize("address", ["192.168.1.1", "127.0.0.1", "100.64.0.1", "169.254.1.1"])
async def test_no_address_of_somebodys_home_is_dialled(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    world = World(monkeypatch, {A: 5000})
    world.links[M][A].remote_address = address
    assert not await world.meetings[A].meet(B)
    assert world.done == []
    world = World(monkeypatch, {B: 5000})
    world.links[M][B].remote_address = address
    assert not await world.meetings[A].meet(B)
    assert world.done == []


async def test_addresses_of_two_families_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {A: 5000})
    world.links[M][B].remote_address = "2001:4860::1"
    assert not await world.meetings[A].meet(B)
    assert world.steps == [CALL, "lack"]


@pytest.mark.parametrize("address", ["fe80::1%eth0", "", "192.168.1.2", "::ffff:10.0.0.1"])
async def test_an_address_that_is_of_no_use_elsewhere_is_not_told(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    for seen in (A, B):
        world = World(monkeypatch, {})
        world.links[M][seen].remote_address = address
        assert not await world.meetings[A].meet(B)
        assert world.steps == [CALL, LACK]


async def test_the_one_in_the_middle_passes_on_so_much_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, {})
    for number in range(2 * BURST):
        world.introducing.pass_on(world._middle_link(A), Meet(CALL, B, number))
    assert world.steps.count(CALL) == BURST
    assert world.steps.count("lack") == BURST
    world.introducing.on_lost(A)
    world.introducing.pass_on(world._middle_link(A), Meet(CALL, B, 1))
    assert world.steps.count(CALL) == BURST + 1


async def test_answers_of_a_stranger_have_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    world.links[M].pop(B)
    world.links[A]["dd" * 32] = FakeLink("dd" * 32, "8.4.4.4")
    world.links[A].pop("dd" * 32)
    stranger = cast(Link, FakeLink("dd" * 32, "8.4.4.4"))
    meeting = world.meetings[A]
    task = asyncio.create_task(meeting.meet(B))
    await asyncio.sleep(0)
    [meet_id] = meeting._calls
    meeting.on_step(stranger, Meet("dial", B, meet_id, port=1, address="8.9.9.9"))
    assert not await task
    assert world.done == []
