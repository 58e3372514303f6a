"""Hearing what gateways tell by SSDP."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from edgenode.reach.igd.ssdp import GROUP_V4
from edgenode.reach.method import Gateway
from edgenode.reach.notify import MAX_HEARD, NotifyListener

LOOPBACK = Gateway("127.0.0.1", "lo", "127.0.0.1", ipv6=False)


def notify(nts: str = "ssdp:alive", boot: str = "7", location: str = "http://127.0.0.1/x") -> bytes:
    return (
        f"NOTIFY * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\nNTS: {nts}\r\n"
        f"LOCATION: {location}\r\nBootID.UPNP.org: {boot}\r\n\r\n"
    ).encode()


class Network:
    """Multicast over loopback, at a port of its own."""

    def __init__(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.hints: asyncio.Queue[str] = asyncio.Queue()
        self.same: list[str] = []
        self.listener = NotifyListener(self.hints.put_nowait, self.same.append, port=self.port)

    def say(self, datagram: bytes, *, by: str = "127.0.0.1") -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((by, 0))
            own = socket.inet_aton("127.0.0.1")
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
            sock.sendto(datagram, (GROUP_V4, self.port))

    async def hint(self) -> str:
        async with asyncio.timeout(5):
            return await self.hints.get()


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    network = Network()
    network.listener.listen([LOOPBACK])
    yield network
    network.listener.close()


async def test_what_is_new_is_a_hint_and_repetition_is_not(network: Network) -> None:
    network.say(notify(boot="1"))
    assert await network.hint() == "127.0.0.1"
    for _ in range(3):
        network.say(notify(boot="1"))
    network.say(notify(boot="2"))
    assert await network.hint() == "127.0.0.1"
    network.say(notify(boot="2", location="http://127.0.0.1/y"))
    assert await network.hint() == "127.0.0.1"
    assert network.hints.empty()
    assert network.same == ["127.0.0.1"] * 3


async def test_who_said_good_bye_is_new_again(network: Network) -> None:
    network.say(notify())
    await network.hint()
    network.say(notify("ssdp:byebye"))
    network.say(notify())
    await network.hint()
    assert network.hints.empty()
    assert not network.same


async def test_others_and_what_is_no_notification_are_not_heard(network: Network) -> None:
    network.say(notify(boot="9"), by="127.0.0.2")
    for datagram in (
        b"",
        b"\xff" * 3000,
        b"M-SEARCH * HTTP/1.1\r\nNTS: ssdp:alive\r\n\r\n",
        notify("ssdp:update"),
        notify().replace(b"NTS", b"XYZ"),
    ):
        network.say(datagram)
    network.say(notify(boot="1"))
    await network.hint()
    await asyncio.sleep(0.1)
    assert network.hints.empty()


async def test_what_is_remembered_is_bounded(network: Network) -> None:
    for number in range(3 * MAX_HEARD):
        network.say(notify(boot=str(number)))
        await network.hint()
    assert len(network.listener._heard["127.0.0.1"]) <= MAX_HEARD


async def test_it_follows_the_gateways(network: Network) -> None:
    network.say(notify())
    await network.hint()
    network.listener.listen([LOOPBACK, Gateway("fe80::1", "lo", "2a00::1", ipv6=True)])
    network.say(notify())  # still known
    network.say(notify(boot="8"))
    await network.hint()
    assert network.hints.empty()
    network.listener.listen([])
    network.say(notify(boot="9"))
    await asyncio.sleep(0.1)
    assert network.hints.empty()
