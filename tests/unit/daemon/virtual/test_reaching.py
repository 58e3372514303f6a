"""What the node makes of its gateways and peers, and tells them and its owner."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from edgenode.core.events import Announce
from edgenode.core.inbound import decode_frame
from edgenode.core.reachevents import ASK, DECLINED, REACHED, RESULT, UNREACHED, DialBack
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.reach.reaching import Reaching
from edgenode.reach.method import Gateway
from edgenode.reach.view import Failure, Mapping, View

OWN_ID = "0a" * 32
HOME, ROUTER, WAN = "192.168.1.20", "192.168.1.1", "5.6.7.8"
GATEWAY = Gateway(ROUTER, "eth0", HOME, False)
OFF = View(True, True, (GATEWAY,), (HOME,), (), (), ())
MAPPED = OFF._replace(
    mappings=(Mapping("pcp", ROUTER, "eth0", False, HOME, 4242, WAN, 5000, 7200),)
)


class Link:
    """A link, as far as it matters here: what is posted is kept."""

    def __init__(self, number: int, remote_address: str) -> None:
        self.node_id = f"{number:064x}"
        self.remote_address = remote_address
        self.local_address = HOME
        self.posted: list[object] = []

    def post(self, frame: bytes) -> None:
        self.posted.append(decode_frame(frame, OWN_ID))

    def steps(self, op: str) -> list[DialBack]:
        return [step for step in self.posted if isinstance(step, DialBack) and step.op == op]

    @property
    def told_ports(self) -> list[int]:
        return [told.ws_port for told in self.posted if isinstance(told, Announce)]


class Links:
    """The table of links."""

    def __init__(self) -> None:
        self.all: list[Link] = []

    def __iter__(self) -> Iterator[Link]:
        return iter(list(self.all))

    def get(self, node_id: str) -> Link | None:
        return next((link for link in self.all if link.node_id == node_id), None)


class Bench:
    def __init__(self) -> None:
        self.links = Links()
        self.now_ms = 1_700_000_000_000
        self.reaching = Reaching(
            links=self.links,  # type: ignore[arg-type]
            outbound=Outbound(OWN_ID, lambda: self.now_ms),
            port=4242,
            local=lambda: ["192.168.1.20:4242"],
            announce=lambda port: Announce(
                version="1", http_port=None, ws_port=port, capabilities=[], region=""
            ),
            wall_ms=lambda: self.now_ms,
        )
        self.tasks = [asyncio.create_task(work) for work in self.reaching.work()]

    def link(self, number: int, address: str) -> Link:
        link = Link(number, address)
        self.links.all.append(link)
        self.reaching.on_linked(link)  # type: ignore[arg-type]
        return link

    def tell(self, link: Link, result: str, *, knocks: bool) -> None:
        """Answer for the peer of `link` what it was asked last."""
        step = link.steps(ASK)[-1]
        if knocks:
            assert self.reaching.arrived(step.nonce.hex(), link.remote_address)
        answer = DialBack(RESULT, step.nonce, result=result, address=WAN)
        self.reaching.receive(link, answer)  # type: ignore[arg-type]

    @property
    def status(self) -> dict[str, object]:
        return self.reaching.status()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.reaching.close()
    for task in made.tasks:
        task.cancel()


async def test_at_the_start_nothing_is_known(bench: Bench) -> None:
    assert bench.status == {
        "verdict": "unknown",
        "verified": False,
        "method": None,
        "externalAddress": None,
        "externalPort": None,
        "confirmations": 0,
        "advice": "Not known yet: the node has just started.",
        "since": "2023-11-14T22:13:20.000Z",
    }
    json.dumps(bench.status)


async def test_a_mapping_is_confirmed_by_those_who_get_in(bench: Bench) -> None:
    bench.reaching.on_view(MAPPED)
    assert bench.status["verdict"] == "mapped"
    assert bench.status["verified"] is False
    peers = [bench.link(number, f"20.{number}.0.1") for number in range(1, 4)]
    await asyncio.sleep(2)
    assert [peer.steps(ASK)[0].port for peer in peers] == [5000] * 3
    bench.now_ms += 60_000
    for peer in peers:
        bench.tell(peer, REACHED, knocks=True)
    await asyncio.sleep(0.1)
    status = bench.status
    assert (status["verdict"], status["verified"], status["confirmations"]) == ("mapped", True, 3)
    assert (status["externalAddress"], status["externalPort"]) == (WAN, 5000)
    assert (status["method"], status["since"]) == ("pcp", "2023-11-14T22:14:20.000Z")
    assert bench.reaching.addresses() == ["5.6.7.8:5000", "192.168.1.20:4242"]


async def test_where_nobody_gets_in_it_is_firewalled(bench: Bench) -> None:
    bench.reaching.on_view(MAPPED)
    peer = bench.link(1, "20.1.0.1")
    await asyncio.sleep(2)
    bench.tell(peer, UNREACHED, knocks=False)
    await asyncio.sleep(0.1)
    assert bench.status["verdict"] == "firewalled"
    assert bench.reaching.addresses() == ["192.168.1.20:4242"]


async def test_only_peers_on_other_networks_are_asked_each_family_for_itself(
    bench: Bench,
) -> None:
    bench.reaching.on_view(MAPPED._replace(own_ipv6=("2a01:4f8::20",)))
    near = [
        bench.link(1, "192.168.1.30"),
        bench.link(2, "127.0.0.1"),
        bench.link(3, "5.6.99.99"),  # in the network of the router's outer address
        bench.link(4, "2a01:4f8:1::1"),
        bench.link(5, "fe80::1%eth0"),
        bench.link(6, "100.64.0.1"),
        bench.link(7, ""),
    ]
    far4, far6 = bench.link(8, "20.1.0.1"), bench.link(9, "2a02:4f8::1")
    await asyncio.sleep(2)
    assert [link.steps(ASK) for link in near] == [[]] * len(near)
    assert [step.port for step in far4.steps(ASK)] == [5000]
    assert [step.port for step in far6.steps(ASK)] == [4242]


async def test_what_is_asked_of_this_node(bench: Bench) -> None:
    link = bench.link(1, "192.168.1.30")
    ask = DialBack(ASK, b"n" * 16, port=80)
    bench.reaching.receive(link, ask)  # type: ignore[arg-type]
    (reply,) = link.steps(RESULT)
    assert (reply.result, reply.nonce, reply.address) == (DECLINED, b"n" * 16, "192.168.1.30")


async def test_peers_are_told_the_port_that_they_reach(bench: Bench) -> None:
    outside, inside = bench.link(1, "20.1.0.1"), bench.link(2, "192.168.1.30")

    def announced(link: Link) -> int:
        return bench.reaching.announcement(link).ws_port  # type: ignore[arg-type]

    assert (announced(outside), announced(inside)) == (4242, 4242)
    bench.reaching.on_view(MAPPED)
    assert (announced(outside), announced(inside)) == (5000, 4242)
    assert (outside.told_ports, inside.told_ports) == ([5000], [])
    # The same once more tells nobody.
    bench.reaching.on_view(MAPPED._replace(failures=()))
    assert outside.told_ports == [5000]
    bench.reaching.on_view(OFF)
    assert (outside.told_ports, inside.told_ports) == ([5000, 4242], [])


async def test_a_new_view_is_looked_into_at_once(bench: Bench) -> None:
    bench.reaching.on_view(MAPPED)
    peer = bench.link(1, "20.1.0.1")
    await asyncio.sleep(2)
    bench.tell(peer, REACHED, knocks=True)
    await asyncio.sleep(60)
    assert bench.status["verified"] is True
    bench.reaching.on_view(OFF)
    assert (bench.status["verdict"], bench.status["verified"]) == ("mapping-off", False)
    await asyncio.sleep(2)
    assert [step.port for step in peer.steps(ASK)] == [5000, 4242]
    bench.tell(peer, REACHED, knocks=True)
    await asyncio.sleep(0.1)
    assert (bench.status["verdict"], bench.status["method"]) == ("mapped", "manual")


async def test_what_does_not_concern_the_port_leaves_the_confirmations(bench: Bench) -> None:
    bench.reaching.on_view(MAPPED)
    peer = bench.link(1, "20.1.0.1")
    await asyncio.sleep(2)
    bench.tell(peer, REACHED, knocks=True)
    await asyncio.sleep(60)
    failure = Failure("upnp", ROUTER, "eth0", True, "no-answer", "x", None)
    mapping = MAPPED.mappings[0]._replace(lifetime_s=120)
    bench.reaching.on_view(MAPPED._replace(failures=(failure,), mappings=(mapping,)))
    assert bench.status["verified"] is True
    await asyncio.sleep(60)
    assert len(peer.steps(ASK)) == 1


async def test_the_port_at_which_it_can_be_reached(bench: Bench) -> None:
    def ports() -> tuple[int, int]:
        return bench.reaching.open_port("20.1.0.1"), bench.reaching.open_port("2a02::1")

    assert ports() == (0, 0)
    bench.reaching.on_view(OFF._replace(own_ipv6=("2a01:4f8::20",)))
    assert ports() == (0, 0)  # home routers let nothing in by IPv6 unless they are asked
    bench.reaching.on_view(OFF._replace(own_addresses=(WAN,)))
    assert ports() == (4242, 0)
    private = MAPPED.mappings[0]._replace(external_address="10.0.0.7")
    bench.reaching.on_view(OFF._replace(mappings=(private,)))
    assert ports() == (0, 0)
    pinhole = private._replace(ipv6=True, external_address="2a01:4f8::20", external_port=4242)
    bench.reaching.on_view(MAPPED._replace(mappings=(*MAPPED.mappings, pinhole)))
    assert ports() == (5000, 4242)
    peer = bench.link(1, "20.1.0.1")
    await asyncio.sleep(2)
    bench.tell(peer, UNREACHED, knocks=False)
    await asyncio.sleep(0.1)
    assert ports() == (0, 4242)
    while len(peer.steps(ASK)) == 1:  # noqa: ASYNC110 - until it asks again
        await asyncio.sleep(0.5)
    bench.tell(peer, REACHED, knocks=True)
    await asyncio.sleep(0.1)
    assert ports() == (5000, 4242)


async def test_one_line_of_log_for_a_change(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    failure = Failure("pcp", ROUTER, "eth0", False, "private-wan", "x", "100.64.1.2")
    for _ in range(3):
        bench.reaching.on_view(OFF._replace(failures=(failure,)))
        bench.link(1, "20.1.0.1")
    assert len(caplog.records) == 1
    assert "cgnat" in caplog.text
    bench.reaching.on_view(MAPPED)
    assert len(caplog.records) == 2
    assert "mapped by pcp at 5.6.7.8:5000" in caplog.text
