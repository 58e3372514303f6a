"""Meetings of two nodes that are honest, as those in the middle are."""

import asyncio
from typing import cast

import pytest

from edgenode.core.meetevents import CALL, CONNECT, DIAL, SYNC, Meet
from edgenode.daemon.reach.meeting import MEET_S, Meeting
from edgenode.link.link import Link
from tests.unit.daemon.virtual.meetings import AT, ONE_WAY_S, OUTER, A, B, M, World


async def test_one_that_can_be_reached_is_called_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {A: 5000})
    assert await world.meetings[A].meet(B)
    assert world.done == [(B, "dial", AT[A], 5000)]


async def test_one_that_calls_dials_whoever_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {B: 5001})
    assert await world.meetings[A].meet(B)
    assert world.done == [(A, "dial", AT[B], 5001)]


async def test_two_that_cannot_be_reached_punch_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, {})
    assert await world.meetings[A].meet(B)
    await asyncio.sleep(ONE_WAY_S)
    assert sorted(world.done) == [(A, "over", AT[B], OUTER[B]), (B, "accept", "", 0)]
    assert {who for _, who in world.punches} == {A, B}
    first, second = sorted(when for when, _ in world.punches)
    assert second - first < 0.002
    assert world.steps == [CALL, CALL, CONNECT, CONNECT, SYNC, SYNC]


async def test_where_nothing_gets_through_it_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    world.through = False
    began = asyncio.get_running_loop().time()
    assert not await world.meetings[A].meet(B)
    assert asyncio.get_running_loop().time() - began <= MEET_S
    assert world.done == []


async def test_one_whom_nobody_is_linked_with_is_given_up_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, {})
    del world.links[M][B]
    began = asyncio.get_running_loop().time()
    assert not await world.meetings[A].meet(B)
    assert asyncio.get_running_loop().time() - began < 3 * ONE_WAY_S


async def test_who_waits_for_the_same_node_waits_for_the_same_meeting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, {A: 5000})
    meeting = world.meetings[A]
    assert await asyncio.gather(*(meeting.meet(B) for _ in range(20))) == [True] * 20
    assert world.done == [(B, "dial", AT[A], 5000)]


async def test_of_several_in_the_middle_one_dial_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    for open_ports in ({A: 5000}, {B: 5001}):
        world = World(monkeypatch, dict(open_ports))
        world.add_middle()
        assert await world.meetings[A].meet(B)
        await asyncio.sleep(MEET_S)
        assert len(world.done) == 1


async def test_where_both_call_one_dial_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {A: 5000})
    met = await asyncio.gather(world.meetings[A].meet(B), world.meetings[B].meet(A))
    assert all(met)
    assert world.done == [(B, "dial", AT[A], 5000)]


async def test_where_both_call_and_neither_can_be_reached_they_meet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, {})
    met = await asyncio.gather(world.meetings[A].meet(B), world.meetings[B].meet(A))
    assert all(met)
    await asyncio.sleep(MEET_S)
    for name in (A, B):
        meeting = world.meetings[name]
        assert not meeting._calls
        assert not meeting._answers


async def test_when_all_ways_have_failed_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {B: 5001})
    monkeypatch.setitem(world.open_ports, B, 5001)
    world.links[M][B].remote_address = "8.9.9.9"  # where B is not
    began = asyncio.get_running_loop().time()
    assert not await world.meetings[A].meet(B)
    assert asyncio.get_running_loop().time() - began < 10 * ONE_WAY_S


async def test_a_link_ends_what_is_still_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {B: 5001})
    world.dial_s = 1.0
    task = asyncio.create_task(world.meetings[A].meet(B))
    await asyncio.sleep(6 * ONE_WAY_S)
    [call] = world.meetings[A]._calls.values()
    assert len(call.ways) == 1
    world.link(B, A)
    began = asyncio.get_running_loop().time()
    assert await task
    assert call.ways[0].cancelled()
    assert asyncio.get_running_loop().time() - began < ONE_WAY_S


async def test_what_is_answered_when_there_is_a_link_is_not_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, {})
    meeting = world.meetings[A]
    task = asyncio.create_task(meeting.meet(B))
    await asyncio.sleep(0)
    [call] = meeting._calls.values()
    dial = Meet(DIAL, B, call.meet_id, port=1, address=AT[B])
    meeting.on_step(cast(Link, world.links[A][M]), dial)
    world.link(A, B)
    assert await task
    assert call.ways == []


async def test_an_answer_ends_when_there_is_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    world.dial_s = 1.0
    middle = cast(Link, world.links[B][M])
    world.meetings[B].on_step(middle, Meet(CALL, A, 1, port=5, address=AT[A]))
    world.link(A, B)  # before the answer has begun
    await asyncio.sleep(ONE_WAY_S)
    assert not world.meetings[B]._answers
    assert world.done == []


async def test_a_node_that_stops_meets_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {B: 5001})
    world.dial_s = 1.0
    meeting = world.meetings[A]
    task = asyncio.create_task(meeting.meet(B))
    await asyncio.sleep(6 * ONE_WAY_S)
    [call] = meeting._calls.values()
    await meeting.stop()
    assert [way.done() for way in call.ways] == [True]
    assert not await task
    began = asyncio.get_running_loop().time()
    assert not await meeting.meet(B)
    assert asyncio.get_running_loop().time() == began
    meeting.on_step(cast(Link, world.links[A][M]), Meet(CALL, B, 1, address=AT[B]))
    assert not meeting._answers


async def test_without_anybody_to_ask_no_port_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    meeting = world.meetings[B]
    meeting._observer = lambda _link: None
    assert await Meeting._open_hole(meeting, cast(Link, world.links[B][M])) is None


async def test_stopping_ends_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    middle = cast(Link, world.links[B][M])
    world.meetings[B].on_step(middle, Meet(CALL, A, 1, address=AT[A]))
    await asyncio.sleep(10 * ONE_WAY_S)
    await world.meetings[B].stop()
    assert not world.meetings[B]._answers
