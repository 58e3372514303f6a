"""What is let through to zeroconf, and what to the table of services."""

from collections.abc import Iterable
from typing import Any

import pytest
from zeroconf._dns import DNSAddress, DNSPointer, DNSQuestion
from zeroconf._protocol.outgoing import DNSOutgoing

from edgenode.discover.dnsmessage import PTR, A, Message
from edgenode.discover.interfaces import Interface, Subnet
from edgenode.discover.responder import QUERIES, RESPONSES, Responder
from edgenode.discover.servicetext import SERVICE

ETH0 = Interface(
    "eth0",
    2,
    (Subnet(bytes((10, 0, 0, 1)), 8), Subnet(b"\xfe\x80" + bytes(13) + b"\x01", 64)),
)
NEAR = ("10.0.0.7", 5353)


class Heard:
    """A responder without sockets, and what comes out of it."""

    def __init__(self, wanted: Iterable[bytes] = ()) -> None:
        self.responses: list[tuple[str, int]] = []
        self.queries = 0
        self.remembered = 0
        self.responder = Responder(
            name="me." + SERVICE,
            target="edgenode-me.local.",
            port=1,
            text={},
            bind="",
            on_response=self._on_response,
            hosts_wanted=lambda: wanted,
        )
        self.responder._interfaces = (ETH0,)
        self.responder._zeroconf = object()
        self.responder._remember = self._on_own  # type: ignore[method-assign]

    def take(self, data: bytes, sender: tuple[Any, ...] = NEAR) -> None:
        self.responder._heard(data, sender, self)

    def datagram_received(self, data: bytes, sender: tuple[Any, ...]) -> None:
        """In place of zeroconf's listener."""
        self.queries += 1

    def _on_response(self, message: Message, sender: str, heard_on: int) -> None:
        self.responses.append((sender, heard_on))

    def _on_own(self) -> None:
        self.remembered += 1


def query(name: str = SERVICE) -> bytes:
    out = DNSOutgoing(0)
    out.add_question(DNSQuestion(name, PTR, 1))
    return out.packets()[0]


def response(instance: str = "other." + SERVICE, name: str = SERVICE) -> bytes:
    out = DNSOutgoing(0x8400)
    out.add_answer_at_time(DNSPointer(name, PTR, 1, 4500, instance), 0)
    return out.packets()[0]


def address(host: str) -> bytes:
    out = DNSOutgoing(0x8400)
    out.add_answer_at_time(DNSAddress(host, A, 1, 120, bytes((10, 0, 0, 7))), 0)
    return out.packets()[0]


@pytest.mark.parametrize(
    ("name", "passed"),
    [
        (SERVICE, 1),
        (SERVICE.upper(), 1),
        ("_services._dns-sd._udp.local.", 1),
        ("edgenode-me.local.", 1),
        ("_ipp._tcp.local.", 0),
        ("printer.local.", 0),
    ],
)
async def test_queries_for_our_names_are_answered(name: str, passed: int) -> None:
    heard = Heard()
    heard.take(query(name))
    assert heard.queries == passed


async def test_no_response_reaches_zeroconf() -> None:
    heard = Heard()
    heard.take(response())
    heard.take(response(), ("::ffff:10.0.0.8", 5353, 0, 0))
    heard.take(response(), ("fe80::7%eth0", 5353, 0, 2))
    assert heard.responses == [("10.0.0.7", 0), ("10.0.0.8", 0), ("fe80::7%eth0", 2)]
    assert heard.queries == 0


async def test_our_own_are_no_news() -> None:
    heard = Heard()
    heard.take(response("me." + SERVICE), ("10.0.0.1", 5353))
    assert (heard.responses, heard.remembered, heard.queries) == ([], 1, 0)


async def test_addresses_of_hosts_come_where_they_are_wanted() -> None:
    heard = Heard([b"printer"])
    heard.take(address("Printer.local."))
    heard.take(address("camera.local."))
    assert len(heard.responses) == 1


@pytest.mark.parametrize(
    "sender",
    [
        ("8.8.8.8", 5353),
        ("::ffff:8.8.8.8", 5353, 0, 0),
        ("127.0.0.1", 5353),
        ("2a01::1", 5353, 0, 0),
        ("fe80::7", 5353, 0, 3),
        ("nowhere", 5353),
    ],
)
async def test_who_is_not_on_link_is_not_heard(sender: tuple[Any, ...]) -> None:
    heard = Heard()
    heard.take(query(), sender)
    heard.take(response(), sender)
    assert (heard.queries, heard.responses) == (0, [])


async def test_what_is_malformed_goes_nowhere() -> None:
    heard = Heard()
    for data in (b"", response()[:-1], query()[:-1], response() + bytes(9000), b"edgenode" * 4):
        heard.take(data)
    assert (heard.queries, heard.responses) == (0, [])


async def test_floods_are_cut() -> None:
    heard = Heard()
    for _ in range(1000):
        heard.take(query())
        heard.take(response())
    # More come in for each second that the loop takes, here well below one.
    assert QUERIES["sender_burst"] <= heard.queries <= 2 * QUERIES["sender_burst"]
    assert RESPONSES["sender_burst"] <= len(heard.responses) <= 2 * RESPONSES["sender_burst"]
    heard.take(response(), ("10.0.0.8", 5353))
    assert heard.responses[-1] == ("10.0.0.8", 0)
