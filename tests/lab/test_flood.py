"""A neighbour that means harm: a flood of answers to a search, and a responder without end."""

import asyncio
import json
import socket
import struct

import pytest

from tests.integration.support.memory import MIB, memory, reset_peak
from tests.integration.support.wait import eventually
from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.miniupnpd import UPNP_ALONE
from tests.lab.support.node import LabNode, LabNodes
from tests.lab.support.router import Router
from tests.lab.support.rules import Rule
from tests.lab.support.talk import SSDP_GROUP

pytestmark = pytest.mark.ci

FLOOD = 10_000
MAX_MORE = 2 * MIB
HTTP_PORT = 5000
SEARCHED_S = 30.0
_IP_TRANSPARENT = 19  # <linux/in.h>: a source address that is not one's own
_PIECE = b"x" * 64 * 1024


def answers_to(host: Host, gateway: str) -> tuple[socket.socket, socket.socket, socket.socket]:
    """A neighbour's sockets: one hears searches, one is its own, one forges the gateway's name."""
    with host.namespace.inside():
        hears, own, forges = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
        hears.bind(SSDP_GROUP)
        group = socket.inet_aton(SSDP_GROUP[0]) + socket.inet_aton(host.address)
        hears.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        hears.settimeout(SEARCHED_S)
        own.bind((host.address, 0))
        forges.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, struct.pack("i", 1))
        forges.bind((gateway, SSDP_GROUP[1]))
    return hears, own, forges


def flood(host: Host, gateway: str, elsewhere: str) -> None:
    """Answer the next search FLOOD times, each time with another place of the description."""
    hears, own, forges = answers_to(host, gateway)
    with hears, own, forges:
        data, searcher = hears.recvfrom(2048)
        assert data.startswith(b"M-SEARCH")
        for number in range(FLOOD):
            forged = number % 2
            place = gateway if forged else (elsewhere, host.address, "gateway.example")[number % 3]
            answer = (
                "HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                f"LOCATION: http://{place}:{HTTP_PORT}/{number}/{'x' * 150}\r\n"
                f"BOOTID.UPNP.ORG: {number}\r\n\r\n"
            )
            (forges if forged else own).sendto(answer.encode(), searcher)


class Endless:
    """A responder on the router that answers whoever asks, and does not end."""

    def __init__(self, router: Router) -> None:
        self.asked = 0
        with router.namespace.inside():
            self._socket = socket.create_server((router.address, HTTP_PORT))
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Endless":
        self._server = await asyncio.start_server(self._serve, sock=self._socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        try:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(_PIECE)
                await writer.drain()
        except OSError:
            writer.close()


def process_of(node: LabNode) -> int:
    return int(json.loads((node.data_dir / "run.json").read_text())["pid"])


async def test_a_flood_of_answers_costs_little_and_leads_nowhere_else(
    lab: Lab, nodes: LabNodes
) -> None:
    home = lab.home("a", UPNP_ALONE, ipv6=False)
    neighbour, elsewhere = lab.host("neighbour", home.router), lab.host("elsewhere")
    gateway = home.router.address
    node = await nodes.start("a", home.host)

    async def mapped() -> bool:
        return len(home.daemon.mappings) == 1

    await eventually(mapped, "it is mapped")
    await node.has_verdict("mapped")
    pid = process_of(node)
    out = 'oifname "eth0" meta l4proto { tcp, udp }'
    sent = [
        Rule(home.host.namespace, f"{out} ip daddr != {{ 224.0.0.0/4, {gateway} }}", hook="output"),
        Rule(home.host.namespace, f"{out} ip6 daddr != ff00::/8", hook="output"),
    ]
    searches = Rule(home.host.namespace, f"{out} ip daddr {SSDP_GROUP[0]}", hook="output")
    came = Rule(home.host.namespace, "udp sport != 53 ip length > 200")
    home.daemon.stop(9)  # so that its answer does not end the search
    flooding = asyncio.create_task(asyncio.to_thread(flood, neighbour, gateway, elsewhere.address))
    async with Endless(home.router) as responder:
        reset_peak(pid)
        before = memory(pid, "VmRSS")
        # A network that changed has a node ask its gateway.
        home.host.namespace.ip("addr add 10.9.9.9/32 dev eth0", "addr del 10.9.9.9/32 dev eth0")
        await flooding

        async def asked() -> bool:
            return responder.asked > 0

        await eventually(asked, "the responder is asked")
        await asyncio.to_thread(home.daemon.reboot)
        await eventually(mapped, "it is mapped again", timeout_s=60)
    more = memory(pid, "VmHWM") - before
    print(f"{more / MIB:.2f} MiB more, {responder.asked} descriptions")  # noqa: T201
    assert searches.packets > 0
    assert came.packets >= FLOOD
    assert more <= MAX_MORE
    assert [rule.packets for rule in sent] == [0, 0]
