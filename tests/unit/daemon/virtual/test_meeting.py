"""Two nodes and one in the middle, with links that deliver after a while; sockets stay closed."""

import asyncio
import socket
from typing import cast

import pytest

from edgenode.core.fields import Fields
from edgenode.core.meetevents import CALL, CONNECT, SYNC, Meet, decode_meet
from edgenode.daemon import meeting as module
from edgenode.daemon.introducing import BURST, Introducing
from edgenode.daemon.meeting import ANSWERS_BURST, MEET_S, Meeting
from edgenode.link.link import Link
from edgenode.reach.punch import Hole

A, B, M = "aa" * 32, "bb" * 32, "cc" * 32
AT = {A: "8.1.1.1", B: "8.2.2.2", M: "8.3.3.3"}
OUTER = {A: 40001, B: 40002}
ONE_WAY_S = 0.05


class FakeLink:
    """One end's view of a link with `node_id`."""

    def __init__(self, node_id: str, address: str = "") -> None:
        self.node_id = node_id
        self.remote_address = address or AT[node_id]


class FakeHole:
    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.port = OUTER[owner]

    def close(self) -> None:
        pass


class World:
    """A and B, linked with M alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, open_ports: dict[str, int]) -> None:
        self.links: dict[str, dict[str, FakeLink]] = {
            A: {M: FakeLink(M)},
            B: {M: FakeLink(M)},
            M: {A: FakeLink(A), B: FakeLink(B)},
        }
        self.open_ports = open_ports
        self.done: list[tuple[str, str, str, int]] = []  # who did what to which address
        self.punches: list[tuple[float, str]] = []
        self.steps: list[str] = []
        self.punched = asyncio.Event()
        self.through = True
        self.introducing = Introducing(links=self._links_of(M), post=self._from_middle)
        self.meetings = {name: self._meeting(name) for name in (A, B)}
        self._punching = ""
        monkeypatch.setattr(module, "punch", self._punch)

    def _links_of(self, owner: str):  # type: ignore[no-untyped-def]
        return lambda node_id: cast("Link | None", self.links[owner].get(node_id))

    def _meeting(self, owner: str) -> Meeting:
        async def dial(address: str, port: int, node_id: str) -> bool:
            await asyncio.sleep(2 * ONE_WAY_S)
            self.done.append((owner, "dial", address, port))
            if AT[node_id] != address or self.open_ports.get(node_id) != port:
                return False
            self.link(owner, node_id)
            return True

        async def link_over(_socket: socket.socket, address: str, port: int, node_id: str) -> bool:
            self.done.append((owner, "over", address, port))
            self.link(owner, node_id)
            return True

        async def accept(_socket: socket.socket) -> None:
            self.done.append((owner, "accept", "", 0))

        made = Meeting(
            links=self._links_of(owner),
            middles=lambda: cast("list[Link]", list(self.links[owner].values())),
            post=lambda link, step: self._to_middle(owner, link, step),
            peer_port=lambda _link: 4242,
            open_port=lambda _address: self.open_ports.get(owner, 0),
            dial=dial,
            link_over=link_over,
            accept=accept,
        )

        async def open_hole(_middle: Link) -> Hole:
            await asyncio.sleep(4 * ONE_WAY_S)
            return cast(Hole, FakeHole(owner))

        made._open_hole = open_hole  # type: ignore[method-assign,assignment]
        return made

    async def _punch(self, hole: FakeHole, address: str, port: int) -> socket.socket:
        self.punches.append((asyncio.get_running_loop().time(), hole.owner))
        other = B if hole.owner == A else A
        assert (address, port) == (AT[other], OUTER[other])
        await asyncio.sleep(ONE_WAY_S)
        if not self.through:
            raise TimeoutError
        return cast(socket.socket, None)

    def link(self, one: str, other: str) -> None:
        self.links[one][other] = FakeLink(other)
        self.links[other][one] = FakeLink(one)
        self.meetings[one].on_linked(other)
        self.meetings[other].on_linked(one)

    def _to_middle(self, owner: str, link: Link, step: Meet) -> None:
        assert link.node_id == M
        self._later(lambda came: self.introducing.pass_on(self._middle_link(owner), came), step)

    def _middle_link(self, owner: str) -> Link:
        return cast(Link, self.links[M][owner])

    def _from_middle(self, link: Link, step: Meet) -> None:
        meeting = self.meetings[link.node_id]
        middle = cast(Link, self.links[link.node_id][M])
        self._later(lambda came: meeting.on_step(middle, came), step)

    def _later(self, deliver, step: Meet) -> None:  # type: ignore[no-untyped-def]
        came = decode_meet(Fields(step.to_data(), "data"))
        self.steps.append(step.op)
        asyncio.get_running_loop().call_later(ONE_WAY_S, deliver, came)


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


async def test_a_node_is_not_made_to_dial_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    middle = cast(Link, world.links[B][M])
    for number in range(10 * ANSWERS_BURST):
        call = Meet(CALL, f"{number:064x}", number, port=1, address="8.9.9.9")
        monkeypatch.setitem(AT, call.node, "8.9.9.9")
        world.meetings[B].on_step(middle, call)
        await asyncio.sleep(0.01)
    assert ANSWERS_BURST <= len(world.done) <= ANSWERS_BURST + 4


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


async def test_stopping_ends_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {})
    middle = cast(Link, world.links[B][M])
    world.meetings[B].on_step(middle, Meet(CALL, A, 1, address=AT[A]))
    await asyncio.sleep(10 * ONE_WAY_S)
    await world.meetings[B].stop()
    assert not world.meetings[B]._answers
