"""A whole node among made-up neighbours, and beside Debian's avahi."""

import asyncio
from contextlib import ExitStack

import pytest

from edgenode.core.ip import parse_ip
from edgenode.discover.hints import FRUITLESS_S, MAX_FRUITLESS, MAX_HINTS
from tests.integration.support.memory import MIB, memory, reset_peak
from tests.integration.support.node import NETWORK
from tests.integration.support.wait import eventually
from tests.lab.support import fakes
from tests.lab.support.avahi import Avahi, obstacle
from tests.lab.support.dials import Dials
from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.node import PEER_PORT, LabNodes

FAKES = 100_000
PIECE = 1_000
FIRST = 5 * PIECE
MAX_MORE = MIB
CONFIG = "[nat]\nenabled = false\n[discovery]\nmdns = true\n"
OTHER = "ab" * 32


async def flood(host: Host, addresses: list[str], numbers: range) -> None:
    """Tell of the services of these numbers, from all addresses in turn."""
    own = parse_ip(host.address)
    assert own is not None
    with ExitStack() as stack:
        sockets = [stack.enter_context(each) for each in fakes.senders(host.namespace, addresses)]

        def send(first: int) -> None:
            for number in range(first, first + PIECE):
                sender = sockets[number % len(sockets)]
                place = own[:3] + bytes([50 + number % 150])
                sender.sendto(fakes.announcement(number, NETWORK, place), fakes.MDNS)

        for first in numbers[::PIECE]:
            await asyncio.to_thread(send, first)


@pytest.mark.full
async def test_made_up_neighbours_are_dialled_seldom_and_keep_nobody_away(
    lab: Lab, nodes: LabNodes
) -> None:
    home = lab.router("home", ipv6=False)
    host, beside, evil = (lab.host(name, home) for name in ("a", "b", "evil"))
    more = [f"{home.lan}.{end}" for end in range(200, 204)]
    evil.namespace.ip(*(f"addr add {address}/24 dev eth0" for address in more))
    node = await nodes.start("a", host, more_config=CONFIG)
    dials = Dials(host)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await flood(evil, more, range(FIRST))
    other = await nodes.start("b", beside, more_config=CONFIG)
    await node.linked_with(other, timeout_s=20)
    reset_peak(node.pid)
    before = memory(node.pid, "VmRSS")
    await flood(evil, more, range(FIRST, FAKES))
    found = await node.rest.discovered()
    assert len(found) <= MAX_HINTS
    assert sum(entry["status"] == "linked" for entry in found) >= 1
    await asyncio.sleep(max(0.0, began + FRUITLESS_S - 1 - loop.time()))  # what it does in a minute
    count = dials.count()
    more_bytes = memory(node.pid, "VmHWM") - before
    print(f"{count} dials in a minute, {more_bytes / MIB:.2f} MiB more")  # noqa: T201
    assert 1 <= count <= MAX_FRUITLESS + 1  # and the one that succeeded
    assert more_bytes <= MAX_MORE


@pytest.mark.ci
@pytest.mark.skipif(bool(obstacle()), reason=obstacle())
async def test_avahi_and_the_node_see_one_another(lab: Lab, nodes: LabNodes) -> None:
    host = lab.host("a", lab.router("home"))
    with Avahi(host.namespace, "alice") as avahi:
        text = {"nodeId": OTHER, "network": NETWORK, "version": "0.1.0"}
        avahi.publish("Another node", 4343, text)
        node = await nodes.start("a", host, more_config=CONFIG)

        async def listed() -> bool:
            return any(
                f"nodeId={node.node_id}" in each.text and each.port == PEER_PORT
                for each in avahi.browse()
            )

        async def dialled() -> bool:
            found = [each for each in await node.rest.discovered() if each["nodeId"] == OTHER]
            return any(each["status"] == "failed" and each["port"] == 4343 for each in found)

        await eventually(listed, "avahi lists the node")
        await eventually(dialled, "the node has dialled what avahi publishes")
