"""Announcements of gateways: heard from those that are known, at a bounded rate, and for a hint."""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator

import pytest

from edgenode.reach import announce
from edgenode.reach.announce import MAX_HINTS, AnnounceListener
from edgenode.reach.method import Gateway

GATEWAY = Gateway("127.0.0.8", "lo", "127.0.0.9", ipv6=False)
GATEWAY_IPV6 = Gateway("::1", "lo", "::1", ipv6=True)
PCP = bytes((2, 0x80, 0, 0)) + struct.pack("!II", 0, 7) + bytes(12)
NAT_PMP = bytes((0, 0x80, 0, 0)) + struct.pack("!I", 8) + bytes((198, 51, 100, 7))


class Hints:
    """Those that came, and a way to await them."""

    def __init__(self) -> None:
        self.found: list[tuple[str, int]] = []
        self._came = asyncio.Event()

    def __call__(self, address: str, epoch_s: int) -> None:
        self.found.append((address, epoch_s))
        self._came.set()

    async def next(self) -> tuple[str, int]:
        async with asyncio.timeout(5):
            await self._came.wait()
        self._came.clear()
        return self.found[-1]


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        number: int = sock.getsockname()[1]
        return number


@pytest.fixture
async def hints() -> Hints:
    return Hints()


@pytest.fixture
async def listener(hints: Hints, port: int) -> AsyncIterator[AnnounceListener]:
    listener = AnnounceListener(hints, port=port)
    yield listener
    listener.close()


def say(port: int, *datagrams: bytes, sender: str = GATEWAY.address) -> None:
    """Send to all hosts on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((sender, 0))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        for datagram in datagrams:
            sock.sendto(datagram, ("224.0.0.1", port))


@pytest.fixture
def no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announce, "HINT_GAP_S", 0.0)


@pytest.mark.parametrize(("datagram", "epoch_s"), [(PCP, 7), (NAT_PMP, 8)])
async def test_an_announcement_is_a_hint(
    listener: AnnounceListener, hints: Hints, port: int, datagram: bytes, epoch_s: int
) -> None:
    listener.listen([GATEWAY])
    say(port, datagram)
    assert await hints.next() == (GATEWAY.address, epoch_s)


async def test_by_ipv6(listener: AnnounceListener, hints: Hints, port: int) -> None:
    listener.listen([GATEWAY_IPV6])
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.sendto(PCP, ("::1", port))
    assert await hints.next() == ("::1", 7)


@pytest.mark.usefixtures("no_gap")
async def test_others_and_other_things_are_ignored(
    listener: AnnounceListener, hints: Hints, port: int
) -> None:
    listener.listen([GATEWAY])
    say(port, PCP, NAT_PMP, sender="127.0.0.7")
    say(
        port,
        b"",
        b"\2",
        b"\xff" * 1400,
        PCP[:1] + b"\0" + PCP[2:],  # a request
        PCP[:3] + b"\7" + PCP[4:],  # an error
        NAT_PMP[:3] + b"\3" + NAT_PMP[4:],
        b"\1" + PCP[1:],
        bytes((0, 0x82, 0, 0)) + bytes(12),  # a mapping
        NAT_PMP,
    )
    await hints.next()
    assert hints.found == [(GATEWAY.address, 8)]


async def test_nothing_sent_to_this_host_alone_is_heard(
    listener: AnnounceListener, hints: Hints, port: int
) -> None:
    listener.listen([GATEWAY])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((GATEWAY.address, 0))
        sock.sendto(PCP, ("127.0.0.1", port))
    say(port, NAT_PMP)
    await hints.next()
    assert hints.found == [(GATEWAY.address, 8)]


async def test_repetitions_are_one_hint(
    listener: AnnounceListener, hints: Hints, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.listen([GATEWAY])
    say(port, PCP, NAT_PMP, PCP)
    await hints.next()
    monkeypatch.setattr(announce, "HINT_GAP_S", 0.0)
    say(port, NAT_PMP)
    await hints.next()
    assert hints.found == [(GATEWAY.address, 7), (GATEWAY.address, 8)]


@pytest.mark.usefixtures("no_gap")
async def test_a_flood_gives_few_hints(
    listener: AnnounceListener, hints: Hints, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the gateways are told anew meanwhile."""
    monkeypatch.setattr(announce, "PAUSE_S", 0.0)
    other = GATEWAY._replace(address="127.0.0.6")
    listener.listen([GATEWAY, other])
    for _ in range(3):
        say(port, *[PCP] * 50)
        say(port, PCP, sender=other.address)
        while await hints.next() != (other.address, 7):
            pass
        listener.listen([other, GATEWAY])
    assert hints.found.count((GATEWAY.address, 7)) == MAX_HINTS
    monkeypatch.setattr(announce, "HINTS_PERIOD_S", 0.0)
    say(port, NAT_PMP)
    assert await hints.next() == (GATEWAY.address, 8)


async def test_a_gateway_that_was_left_is_heard_no_more(
    listener: AnnounceListener, hints: Hints, port: int
) -> None:
    other = GATEWAY._replace(address="127.0.0.6")
    listener.listen([GATEWAY])
    listener.listen([other])
    say(port, PCP)
    say(port, NAT_PMP, sender=other.address)
    assert await hints.next() == (other.address, 8)
    assert len(hints.found) == 1


async def test_a_hint_may_close_the_listener(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on after that."""
    monkeypatch.setattr(announce, "PAUSE_S", 0.0)
    heard = asyncio.Event()
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))

    def hint(_address: str, _epoch_s: int) -> None:
        once.close()
        heard.set()

    once = AnnounceListener(hint, port=port)
    once.listen([GATEWAY])
    say(port, PCP, NAT_PMP)
    async with asyncio.timeout(5):
        await heard.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert errors == []


async def test_other_programs_may_listen_too(
    listener: AnnounceListener, hints: Hints, port: int
) -> None:
    theirs = Hints()
    others = AnnounceListener(theirs, port=port)
    listener.listen([GATEWAY])
    others.listen([GATEWAY])
    say(port, PCP)
    assert await hints.next() == await theirs.next() == (GATEWAY.address, 7)
    others.close()


@pytest.mark.parametrize("option", [socket.SO_REUSEADDR, socket.SO_REUSEPORT])
async def test_whichever_way_others_share_the_port(
    listener: AnnounceListener, hints: Hints, port: int, option: int
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, option, 1)
        sock.bind(("0.0.0.0", port))
        listener.listen([GATEWAY])
        say(port, PCP)
        assert await hints.next() == (GATEWAY.address, 7)


async def test_a_port_that_is_taken_is_said_once(
    listener: AnnounceListener, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("0.0.0.0", port))
        listener.listen([GATEWAY])
        listener.listen([GATEWAY])
    (record,) = caplog.records
    assert f"UDP port {port}: Address already in use" in record.getMessage()
