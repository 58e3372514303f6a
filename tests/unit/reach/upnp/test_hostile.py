"""Gateways and neighbours that mean harm: bounded in memory and packets."""

import asyncio
import gc
import socket
import sys
import tracemalloc
from collections.abc import Iterator

import pytest

from edgenode.reach.igd import control, finding, http, ssdp
from edgenode.reach.igd.description import Service
from edgenode.reach.igd.relay import Relay
from edgenode.reach.method import Gateway, Grant, MappingFailed, Wish
from edgenode.reach.upnp import UpnpMethod
from tests.unit.reach.fake_igd import IGD1, IP1, WAN, FakeIgd, description
from tests.unit.reach.upnp.conftest import SEARCH_S

WISH = Wish(4242, 14242, None, 7200, b"n" * 12, "edgenode")
FLOOD = 10_000
MIB = 2**20


class Sent:
    """Every address that this process has connected or sent to since it was emptied."""

    def __init__(self) -> None:
        self.addresses: set[str] = set()
        sys.addaudithook(self._see)  # for good: there is no way to take one out

    def _see(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = arguments[1]
            if isinstance(address, tuple):
                self.addresses.add(str(address[0]))
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self.addresses.add(f"name {arguments[0]!r}")


SENT = Sent()


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "DESCRIPTION_S", 0.3)
    monkeypatch.setattr(control, "CALL_S", 0.3)


@pytest.fixture
def sent(fake: FakeIgd) -> Iterator[set[str]]:
    """What was sent to, but for the gateway and the searches' group; to be empty in the end."""
    SENT.addresses.clear()
    kept: set[str] = set()
    yield kept
    kept |= SENT.addresses - {fake.address, fake.client, ssdp.GROUP_V4}
    assert kept == set()


async def reason_of(method: UpnpMethod) -> str:
    with pytest.raises(MappingFailed) as caught:
        await method.map(WISH, None)
    return caught.value.reason


@pytest.mark.parametrize("spoofed", [False, True])
async def test_a_flood_of_answers(
    fake: FakeIgd, method: UpnpMethod, sent: set[str], spoofed: bool
) -> None:
    """10,000 answers with 10,000 URLs, of a neighbour, or as if they were of the gateway."""
    await method.map(WISH, None)  # what is imported once is not counted
    SENT.addresses.clear()
    flooder = fake.socket_at(fake.address if spoofed else fake.other)
    flooder.setblocking(False)
    fake.answer_delay_s = 0.0 if spoofed else 0.05
    fake.searches.clear()
    fake.searched.clear()
    host = fake.address if spoofed else fake.other
    with socket.create_server((host, 0)) as trap:
        trap_port = trap.getsockname()[1]
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        probe = asyncio.ensure_future(method.probe())
        await fake.searched.wait()
        target = fake.searches[0].sender
        connections = fake.connections
        for number in range(FLOOD):
            location = f"http://{host}:{trap_port}/{number}/" + "x" * 150
            flooder.sendto(fake.answer(IGD1, location), target)
            if number % 20 == 0:
                await asyncio.sleep(0)
        await asyncio.gather(probe, return_exceptions=True)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak - before < 2 * MIB
    assert fake.connections - connections <= ssdp.MAX_RESPONDERS
    if not spoofed:
        assert probe.result().external_address == WAN


@pytest.mark.parametrize("admitted_first", [False, True])
def test_no_more_responders_than_agreed(admitted_first: bool) -> None:
    async def run() -> None:
        gateway = Gateway("127.1.2.3", "lo", "127.1.2.4", False)
        taken: list[object] = []
        search = ssdp.Search(gateway, taken.append)
        template = "HTTP/1.1 200 OK\r\nST: {}\r\nLOCATION: http://{}:{}/{}\r\n\r\n"
        if admitted_first:
            search.admit_strangers()
        for sender in ("127.1.2.9", "127.1.2.3"):
            for port in range(1, FLOOD + 1):
                data = template.format(IGD1, sender, port % 65535, sender).encode()
                search._judge(data, socket.inet_aton(sender))
            if sender == "127.1.2.9":
                assert len(taken) == (ssdp.MAX_STRANGERS if admitted_first else 0)
        assert len(taken) == ssdp.MAX_RESPONDERS
        search.admit_strangers()
        assert len(taken) == ssdp.MAX_RESPONDERS
        search.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "location", ["http://{other}:{port}/desc.xml", "http://gateway.example:{port}/desc.xml"]
)
async def test_a_location_elsewhere_is_ignored(
    fake: FakeIgd, method: UpnpMethod, sent: set[str], location: str
) -> None:
    fake.locations = [location.format(other=fake.other, port=fake.http_port)]
    assert await reason_of(method) == "no-answer"
    assert not fake.paths


@pytest.mark.parametrize(
    "control_url",
    [
        "http://{other}:{port}/ctl",
        "http://gateway.example:{port}/ctl",
        "//{other}:{port}/ctl",
        "http://127.0.0.1:{port}/ctl",
    ],
)
async def test_a_control_url_elsewhere_is_never_called(
    fake: FakeIgd, method: UpnpMethod, sent: set[str], control_url: str
) -> None:
    url = control_url.format(other=fake.other, port=fake.http_port)
    fake.services = [(IP1, url)]
    with socket.create_server((fake.other, fake.http_port)) as elsewhere:
        elsewhere.setblocking(False)
        assert await reason_of(method) == "malformed"
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert not fake.calls


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(fake: FakeIgd, sent: set[str], status: int) -> None:
    for url in (f"http://{fake.other}:{fake.http_port}/x", "/x"):
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n"
        # With a body that would do.
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {url}\r\n\r\n"
        fake.document = head.encode() + description((IP1, "/ctl"))
        assert await reason_of(UpnpMethod(fake.gateway, search_s=0.2)) == "malformed"
        fake.document, fake.raw_answer = None, moved.encode()
        assert await reason_of(UpnpMethod(fake.gateway, search_s=0.2)) == "malformed"
        fake.raw_answer = None
    assert "/x" not in fake.paths


BAD = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n" + b"x" * 1000,
    b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 4 * MIB,
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 4 * MIB,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * MIB,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx",
    b"HTTP/1.1 200 OK\r\n\r\n" + bytes(1000),
    b"HTTP/1.1 200 OK\r\n\r\n" + b"<a>" * 20000,
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    b"HTTP/9.9 999 ?\r\n\r\n",
]


@pytest.mark.parametrize("answer", BAD, ids=range(len(BAD)))
async def test_bad_bodies(fake: FakeIgd, method: UpnpMethod, sent: set[str], answer: bytes) -> None:
    await method.map(WISH, None)
    fake.document = answer
    gc.collect()
    tracemalloc.start()
    assert await reason_of(UpnpMethod(fake.gateway, search_s=SEARCH_S)) == "malformed"
    fake.document, fake.raw_answer = None, answer
    before = _resident()
    assert await reason_of(UpnpMethod(fake.gateway, search_s=SEARCH_S)) == "malformed"
    assert _resident() - before < 4 * MIB  # libminiupnpc's own memory is not traced
    tracemalloc.stop()


def _resident() -> int:
    with open("/proc/self/statm") as status:  # noqa: PTH123
        return int(status.read().split()[1]) * 4096


async def test_the_library_sees_nothing_that_the_gateway_wrote(fake: FakeIgd) -> None:
    """What it is given is written by the relay: a description of one service, and plain values."""
    fake.services = [(IP1, f"http://{fake.address}:{fake.http_port}/evil?x=<&>")]
    service = Service(IP1, "WANIPConnection", 1, fake.http_port, "/evil?x=1")
    async with Relay(fake.gateway, service) as relay:
        host, port = relay.url.split("/")[2].split(":")
        assert host == "127.0.0.1"
        own = Gateway(host, "lo", "127.0.0.1", False)
        path = relay.url.partition(port)[2]
        request = http.get(own, int(port), path)
        got = await http.exchange(own, int(port), request, total_s=1.0)
        assert b"evil" not in got.body
        assert got.body.count(b"controlURL") == 2
        for wrong in ("/description", path + "x", "/"):
            request = http.get(own, int(port), wrong)
            refused = await http.exchange(own, int(port), request, total_s=1.0)
            assert refused.status == 404
        # There are no more connections than one call can need.
        with pytest.raises((http.NoAnswer, http.BadAnswer)):
            request = http.get(own, int(port), path)
            await http.exchange(own, int(port), request, total_s=1.0)


HOSTILE_VALUES = [
    "A" * 70000,
    "%s%n%x" * 10,
    "1" * 200,
    "-1",
    "99999999999",
    "\u00e4\u4e2d",
    "&lt;errorCode&gt;718",
    "",
]


@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=range(len(HOSTILE_VALUES)))
async def test_hostile_values_never_raise_anything_else(
    fake: FakeIgd, method: UpnpMethod, sent: set[str], value: str
) -> None:
    names = ("NewExternalIPAddress", "NewInternalClient", "NewInternalPort", "NewEnabled")
    more = ("NewLeaseDuration", "NewPortMappingDescription", "NewReservedPort", "errorCode")
    for action in (
        "GetExternalIPAddress",
        "GetSpecificPortMappingEntry",
        "AddPortMapping",
        "DeletePortMapping",
        "GetStatusInfo",
    ):
        fake.handlers = {action: lambda _: dict.fromkeys(names + more, value)}
        try:
            grant = await method.map(WISH, None)
            assert grant.external_port == 14242
            await method.unmap(WISH, grant)
        except MappingFailed:
            continue


async def test_no_interface_is_no_crash() -> None:
    gateway = Gateway("fe80::1", "nosuch0", "fe80::2", True)
    method = UpnpMethod(gateway, search_s=0.3)
    with pytest.raises(MappingFailed):
        await method.probe()
    with pytest.raises(MappingFailed):
        await method.unmap(WISH, Grant(None, 4242, 0, None, "1"))
    gone = UpnpMethod(Gateway("198.51.100.1", "lo", "198.51.100.2", False), search_s=0.3)
    with pytest.raises(MappingFailed):
        await gone.map(WISH, None)


async def test_descriptions_that_are_half_right_are_fuzzed_over_the_wire(
    fake: FakeIgd, sent: set[str]
) -> None:
    whole = description((IP1, "/ctl"))
    for cut in range(1, len(whole), 61):
        fake.document = whole[:cut] + b"&" + whole[cut + 3 :]
        method = UpnpMethod(fake.gateway, search_s=0.1)
        try:
            await method.probe()
        except MappingFailed:
            continue
