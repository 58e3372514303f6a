"""SIGTERM: the mappings are deleted within half a second, and the node ends whoever is silent."""

import asyncio
import time

import pytest

from tests.integration.support.wait import eventually
from tests.lab.support.lab import Home, Lab
from tests.lab.support.miniupnpd import NAT_PMP_ALONE, PCP_ALONE, UPNP_ALONE, Offers
from tests.lab.support.node import LabNode, LabNodes

pytestmark = pytest.mark.ci

DELETED_S = 0.5

STOPPED_S = 1.5
"""To the end of the process, where no gateway answers: half a second of trying, and the rest."""

METHODS = pytest.mark.parametrize(
    ("offers", "ipv6"),
    [(PCP_ALONE, True), (NAT_PMP_ALONE, False), (UPNP_ALONE, True)],  # NAT-PMP has no pinholes
    ids=["pcp", "nat-pmp", "upnp"],
)


def held(home: Home) -> int:
    """How many ports the gateway lets in, of both families."""
    return len(home.daemon.mappings) + len(home.daemon.pinholes)


async def mapped(home: Home, nodes: LabNodes) -> LabNode:
    node = await nodes.start("a", home.host)
    wanted = 2 if home.router.ipv6 else 1

    async def all_held() -> bool:
        return held(home) == wanted

    await eventually(all_held, "mapped, and the pinhole open")
    await node.logged("passes .* on to this node's port")
    return node


def seconds_to_none(home: Home) -> float:
    began = time.monotonic()
    while held(home) and time.monotonic() - began < 10 * DELETED_S:
        pass  # each look is two processes
    return time.monotonic() - began


@METHODS
async def test_sigterm_deletes_at_once(
    lab: Lab, nodes: LabNodes, offers: Offers, ipv6: bool
) -> None:
    home = lab.home("a", offers, ipv6=ipv6)
    node = await mapped(home, nodes)
    deleting = asyncio.create_task(asyncio.to_thread(seconds_to_none, home))
    await node.stop()
    took = await deleting
    print(f"deleted {took:.3f} s after SIGTERM")  # noqa: T201 - the figure is the result
    assert took <= DELETED_S


@METHODS
async def test_a_dead_gateway_does_not_hold_the_node_up(
    lab: Lab, nodes: LabNodes, offers: Offers, ipv6: bool
) -> None:
    home = lab.home("a", offers, ipv6=ipv6)
    node = await mapped(home, nodes)
    home.router.die()
    took = await node.stop()
    print(f"ended {took:.3f} s after SIGTERM")  # noqa: T201
    assert took <= STOPPED_S
