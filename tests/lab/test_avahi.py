"""Neighbours by mDNS beside Debian's avahi: on another host, and on the same one."""

import os

import pytest

from tests.integration.support.wait import eventually
from tests.lab.support import needs
from tests.lab.support.avahi import Avahi, obstacle
from tests.lab.support.lab import Lab
from tests.lab.support.neighbour import HTTP_PORT, NETWORK, PEER_PORT, Neighbour, node_id

pytestmark = pytest.mark.ci  # avahi is not what `make test` installs

OTHER = node_id("other")
TEXT = {"nodeId": OTHER, "network": NETWORK, "version": "0.1.0"}


@pytest.fixture(autouse=True)
def installed() -> None:
    if reason := obstacle():
        if os.environ.get(needs.REQUIRED) == "1":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.mark.parametrize("together", [False, True], ids=["another-host", "the-same-host"])
async def test_each_finds_the_other(lab: Lab, together: bool) -> None:
    router = lab.router("router", ipv6=False)
    host = lab.host("a", router)
    beside = host if together else lab.host("b", router)
    with Avahi(beside.namespace, "alice") as avahi:
        avahi.publish("An other node", 4343, TEXT)
        async with Neighbour(host.namespace, "raspberry", "mdns") as neighbour:
            seen = await neighbour.sees(OTHER, "mdns", host=beside.address)
            assert seen[2] == 4343
            await neighbour.sees_link_local(OTHER, "mdns")
            name = f"raspberry-{neighbour.node_id[:16]}"

            async def listed() -> bool:
                return any(each.name == name for each in avahi.browse())

            await eventually(listed, "avahi lists the node")
            mine = [each for each in avahi.browse() if each.name == name]
            assert {each.family for each in mine} == {"IPv4", "IPv6"}
            for each in mine:
                assert each.port == PEER_PORT
                assert each.host == f"edgenode-{neighbour.node_id[:16]}.local"
                assert each.text == {
                    f"nodeId={neighbour.node_id}",
                    "version=0.1.0",
                    f"network={NETWORK}",
                    "capabilities=store,relay",
                    f"httpPort={HTTP_PORT}",
                }
        assert neighbour.closed_ms <= 150

        async def forgotten() -> bool:
            return not await listed()

        # A second after the goodbye (RFC 6762 section 10.1), not when the records run out.
        await eventually(forgotten, "avahi has heard the goodbye", timeout_s=5)
        assert not neighbour.said


async def test_a_goodbye_of_avahi_is_heard(lab: Lab) -> None:
    router = lab.router("router", ipv6=False)
    host, beside = lab.host("a", router), lab.host("b", router)
    with Avahi(beside.namespace, "alice") as avahi:
        published = avahi.publish("An other node", 4343, TEXT)
        async with Neighbour(host.namespace, "raspberry", "mdns") as neighbour:
            await neighbour.sees(OTHER, "mdns")
            published.terminate()
            await neighbour.loses(OTHER)


async def test_what_is_of_another_network_is_not_told(lab: Lab) -> None:
    router = lab.router("router", ipv6=False)
    host, beside = lab.host("a", router), lab.host("b", router)
    with Avahi(beside.namespace, "alice") as avahi:
        avahi.publish("Of another network", 4343, {**TEXT, "nodeId": node_id("x"), "network": "x"})
        avahi.publish("Nobody", 4343, {"nodeId": "nobody", "network": NETWORK})
        async with Neighbour(host.namespace, "raspberry", "mdns") as neighbour:

            async def kept() -> bool:
                return (await neighbour.kept())[0] == 2

            await eventually(kept, "both are known")
            avahi.publish("An other node", 4343, TEXT)
            await neighbour.sees(OTHER, "mdns")
            assert not any(node_id("x") in str(line) for line in neighbour.lines)
            assert not any("nobody" in str(line) for line in neighbour.lines)
