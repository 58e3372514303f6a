"""Two nodes and one in the middle, with links that deliver after a while; sockets stay closed."""

import asyncio
import socket
from typing import cast

import pytest

from edgenode.core.fields import Fields
from edgenode.core.meetevents import Meet, decode_meet
from edgenode.daemon.reach import meeting as module
from edgenode.daemon.reach.introducing import Introducing
from edgenode.daemon.reach.meeting import Meeting
from edgenode.link.link import Link
from edgenode.reach.punch import Hole

A, B, M, N = "aa" * 32, "bb" * 32, "cc" * 32, "dd" * 32
AT = {A: "8.1.1.1", B: "8.2.2.2", M: "8.3.3.3", N: "8.4.4.4"}
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
    """A and B, linked with M alone, or with others too."""

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
        self.dial_s = 2 * ONE_WAY_S
        self.introducing = self.middle(M)
        self.others: dict[str, Introducing] = {}
        self.meetings = {name: self._meeting(name) for name in (A, B)}
        self._punching = ""
        monkeypatch.setattr(module, "punch", self._punch)

    def middle(self, name: str) -> Introducing:
        def post(link: Link, step: Meet) -> None:
            meeting = self.meetings[link.node_id]
            middle = cast(Link, self.links[link.node_id][name])
            self._later(lambda came: meeting.on_step(middle, came), step)

        return Introducing(links=self._links_of(name), post=post)

    def add_middle(self) -> None:
        """Let A and B have another common peer, N."""
        self.links[N] = {A: FakeLink(A), B: FakeLink(B)}
        for name in (A, B):
            self.links[name][N] = FakeLink(N)
        self.others[N] = self.middle(N)

    def _links_of(self, owner: str):  # type: ignore[no-untyped-def]
        return lambda node_id: cast("Link | None", self.links[owner].get(node_id))

    def _meeting(self, owner: str) -> Meeting:
        async def dial(address: str, port: int, node_id: str) -> bool:
            self.done.append((owner, "dial", address, port))
            await asyncio.sleep(self.dial_s)
            if AT.get(node_id) != address or self.open_ports.get(node_id) != port:
                return False
            # As in a node, where the link is given its place a moment later.
            asyncio.get_running_loop().call_later(0.001, self.link, owner, node_id)
            return True

        async def link_over(_socket: socket.socket, address: str, port: int, node_id: str) -> bool:
            self.done.append((owner, "over", address, port))
            await asyncio.sleep(2 * ONE_WAY_S)
            self.link(owner, node_id)
            return True

        async def accept(_socket: socket.socket) -> None:
            self.done.append((owner, "accept", "", 0))

        made = Meeting(
            links=self._links_of(owner),
            middles=lambda: cast("list[Link]", list(self.links[owner].values())),
            post=lambda link, step: self._to_middle(owner, link, step),
            observer=lambda link: (link.remote_address, 4242),
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
        middle = self.others.get(link.node_id, self.introducing)
        came_over = cast(Link, self.links[link.node_id][owner])
        self._later(lambda came: middle.pass_on(came_over, came), step)

    def _middle_link(self, owner: str) -> Link:
        return cast(Link, self.links[M][owner])

    def _later(self, deliver, step: Meet) -> None:  # type: ignore[no-untyped-def]
        came = decode_meet(Fields(step.to_data(), "data"))
        self.steps.append(step.op)
        asyncio.get_running_loop().call_later(ONE_WAY_S, deliver, came)
