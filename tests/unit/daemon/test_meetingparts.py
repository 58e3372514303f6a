"""The parts of meetings, joined: whom calls go by, who is asked how we look, how links begin."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web

from edgenode.api.door import Door
from edgenode.api.listener import build_runner
from edgenode.api.seats import Seats
from edgenode.core.meetevents import CALL, DIAL, LACK, Meet
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.reach.meetingparts import MAX_HOLDERS, MeetingParts
from edgenode.link.dial import DialFailed
from edgenode.link.link import Link

OWN = "11" * 32


class FakeLink:
    def __init__(self, number: int, address: str, *, dialled: bool = True) -> None:
        self.node_id = f"{number:064x}"
        self.remote_address = address
        self.dialled = dialled
        self.port = 4000 + number
        self.posted: list[bytes] = []

    def post(self, frame: bytes) -> None:
        self.posted.append(frame)


class Table(dict[str, Link]):
    def __iter__(self) -> Any:
        return iter(list(self.values()))


class FakeDialler:
    """Gives links at once."""

    def __init__(self) -> None:
        self.fails = False

    async def dial(self, address: str, port: int, node_id: str) -> Link:
        if self.fails:
            raise DialFailed("no answer")
        return cast(Link, FakeLink(99, address))

    async def dial_over(self, _: socket.socket, address: str, port: int, node_id: str) -> Link:
        return await self.dial(address, port, node_id)


class Place:
    """A node with the parts of meetings, and nothing else that is real."""

    def __init__(self, *links: FakeLink) -> None:
        self.table = Table({link.node_id: cast(Link, link) for link in links})
        self.dialler = FakeDialler()
        self.ports: dict[str, int] = {}
        self.ending = asyncio.Event()
        self.fault: Exception | None = None
        self.lived: list[Link] = []
        self.parts = MeetingParts(
            links=cast(Any, self.table),
            peers=cast(Any, SimpleNamespace(ws_port=self.ports.get)),
            reaching=cast(Any, SimpleNamespace(open_port=lambda _address: 0)),
            outbound=Outbound(OWN, lambda: 0),
            dialler=cast(Any, self.dialler),
            live=self.live,
            known=list,
            max_links=48,
        )

    async def live(self, link: Link) -> str:
        self.lived.append(link)
        await self.ending.wait()
        if self.fault is not None:
            raise self.fault
        return "bye"

    def observer(self, link: FakeLink) -> tuple[str, int] | None:
        return self.parts._observer(cast(Link, link))

    async def punch(self, link: FakeLink) -> None:
        """Make `link` one that came about through both routers."""

        async def dial_over(*_: object) -> Link:
            return cast(Link, link)

        self.dialler.dial_over = dial_over  # type: ignore[method-assign,assignment]
        assert await self.parts._link_over(cast(Any, None), link.remote_address, 1, link.node_id)
        self.table[link.node_id] = cast(Link, link)


MakePlace = Callable[..., Place]


@pytest.fixture
async def place() -> AsyncIterator[MakePlace]:
    made = []

    def make(*links: FakeLink) -> Place:
        made.append(Place(*links))
        return made[-1]

    yield make
    for each in made:
        await each.parts.stop()


async def test_calls_go_first_by_those_whom_we_reached(place: MakePlace) -> None:
    came = FakeLink(1, "8.1.1.1", dialled=False)
    at_home = FakeLink(2, "192.168.1.2")
    reached = FakeLink(3, "8.3.3.3")
    punched = FakeLink(4, "8.4.4.4")
    node = place(came, at_home)
    await node.punch(punched)
    node.table[reached.node_id] = cast(Link, reached)
    order = [link.node_id for link in node.parts._middles()]
    assert order == [reached.node_id, came.node_id, punched.node_id]


async def test_the_middle_says_how_we_look_if_we_reached_it(place: MakePlace) -> None:
    other, middle = FakeLink(1, "8.1.1.1"), FakeLink(2, "8.2.2.2")
    assert place(other, middle).observer(middle) == ("8.2.2.2", 4002)


async def test_otherwise_one_of_its_family_says_whom_we_reached(place: MakePlace) -> None:
    six = FakeLink(1, "2001:4860::1")
    home = FakeLink(2, "192.168.1.2")
    reached = FakeLink(3, "8.3.3.3")
    middle = FakeLink(4, "8.4.4.4", dialled=False)
    node = place(six, home, reached, middle)
    node.ports[middle.node_id] = 5000
    assert node.observer(middle) == ("8.3.3.3", 4003)
    await node.punch(middle)
    middle.dialled = True
    assert node.observer(middle) == ("8.3.3.3", 4003)


async def test_or_else_the_middle_where_it_says_that_it_listens(place: MakePlace) -> None:
    middle = FakeLink(4, "8.4.4.4", dialled=False)
    node = place(middle)
    assert node.observer(middle) is None
    node.ports[middle.node_id] = 5000
    assert node.observer(middle) == ("8.4.4.4", 5000)
    for nowhere in ("192.168.1.2", "fe80::1%eth0", ""):
        middle.remote_address = nowhere
        assert node.observer(middle) is None


async def test_one_who_was_punched_is_no_observer(place: MakePlace) -> None:
    punched = FakeLink(1, "8.1.1.1")
    node = place()
    await node.punch(punched)
    node.ports[punched.node_id] = 5000
    assert node.observer(punched) is None
    node.ending.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not node.parts._punched  # its link has ended


async def test_a_step_with_an_address_is_for_us_and_one_without_is_for_another(
    place: MakePlace,
) -> None:
    one, other = FakeLink(1, "8.1.1.1"), FakeLink(2, "8.2.2.2")
    node = place(one, other)
    node.parts.receive(cast(Link, one), Meet(DIAL, other.node_id, 1, port=5, address="8.9.9.9"))
    node.parts.receive(cast(Link, one), Meet(LACK, other.node_id, 1, reason="busy"))
    assert (one.posted, other.posted) == ([], [])
    node.parts.receive(cast(Link, one), Meet(CALL, other.node_id, 1))
    assert (len(one.posted), len(other.posted)) == (0, 1)


async def test_of_many_holders_some_are_called_and_not_always_the_same(place: MakePlace) -> None:
    node = place()
    called: list[str] = []

    async def meet(node_id: str) -> bool:
        called.append(node_id)
        return False

    node.parts._meeting.meet = meet  # type: ignore[method-assign]
    holders = [f"{number:064x}" for number in range(10)]
    assert await node.parts.meet_one(holders)
    assert len(set(called)) == MAX_HOLDERS
    for _ in range(100):
        await node.parts.meet_one(holders)
    assert set(called) == set(holders)
    node.table.update({holder: cast(Link, object()) for holder in holders})
    called.clear()
    assert not await node.parts.meet_one(holders)
    assert called == []


async def test_a_failure_to_dial_is_no_error(place: MakePlace) -> None:
    node = place()
    node.dialler.fails = True
    assert not await node.parts._dial("8.1.1.1", 1, OWN)
    assert not await node.parts._link_over(cast(Any, None), "8.1.1.1", 1, OWN)
    assert node.lived == []


async def test_a_link_that_fails_is_told(
    place: MakePlace, caplog: pytest.LogCaptureFixture
) -> None:
    node = place()
    node.fault = RuntimeError("a fault of ours")
    assert await node.parts._dial("8.1.1.1", 1, OWN)
    node.ending.set()
    with caplog.at_level(logging.ERROR):
        await asyncio.wait(node.parts._tasks)
        await asyncio.sleep(0)
    assert "a fault of ours" in caplog.text


async def test_stopping_ends_the_links_that_came_about(place: MakePlace) -> None:
    node = place()
    assert await node.parts._dial("8.1.1.1", 1, OWN)
    await asyncio.sleep(0)
    assert len(node.lived) == 1
    async with asyncio.timeout(1):
        await node.parts.stop()
    assert not node.parts._tasks


async def test_a_punched_connection_is_closed_where_nobody_listens(place: MakePlace) -> None:
    node = place()
    ours, theirs = socket.socketpair()
    with theirs:
        await node.parts._accept(ours)
        assert ours.fileno() == -1


async def test_a_punched_connection_is_served_as_any_other(place: MakePlace) -> None:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = build_runner(app)
    await runner.setup()
    node = place()
    node.parts.listen(Door(runner, Seats()))
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    ours.setblocking(False)
    await node.parts._accept(ours)
    reader, writer = await asyncio.open_connection(sock=theirs)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"hello")
    writer.close()
    await runner.cleanup()
