"""Over which networks, and which address families, a node spreads its links."""

import pytest

from edgenode.core.dialback import network_of
from tests.integration.support.wait import eventually
from tests.lab.support.lab import Lab
from tests.lab.support.node import LabNode, LabNodes

pytestmark = pytest.mark.ci

NODES = 4
PATIENCE_S = 60.0


async def outbound_networks(node: LabNode) -> set[bytes | None]:
    return {
        network_of(peer["remoteAddress"])
        for peer in await node.rest.peers()
        if peer["status"] == "connected" and peer["direction"] == "outbound"
    }


async def families(node: LabNode) -> set[bool]:
    """Return the families of its links: whether by IPv6."""
    peers = await node.rest.peers()
    return {":" in peer["remoteAddress"] for peer in peers if peer["status"] == "connected"}


async def test_one_that_cannot_be_reached_keeps_links_to_several_networks(
    lab: Lab, nodes: LabNodes
) -> None:
    public = [lab.host(f"public{number}") for number in range(NODES)]
    home = lab.home("home", None, ipv6=False, random_ports=True)
    for number, host in enumerate(public):
        knows = [public[0].address] if number else []
        await nodes.start(f"public{number}", host, knows=knows)
    shut = await nodes.start("shut", home.host, begins_with=[public[0].address])

    async def is_spread() -> bool:
        return len(await outbound_networks(shut)) == NODES

    await eventually(is_spread, "it has dialled into all networks", timeout_s=PATIENCE_S)
    said = await shut.reachability()
    assert said["verdict"] not in ("public", "mapped")
    networks = {network_of(host.address) for host in public}
    assert len(networks) >= 3
    assert await outbound_networks(shut) == networks


async def test_a_node_of_both_families_has_links_of_both(lab: Lab, nodes: LabNodes) -> None:
    hosts = [lab.host(f"public{number}") for number in range(NODES)]
    running: list[LabNode] = []
    for number, host in enumerate(hosts):
        begins = [hosts[0].address6] if number else []
        running.append(await nodes.start(f"public{number}", host, begins_with=begins))
    for node in running:

        async def has_both(node: LabNode = node) -> bool:
            return await families(node) == {False, True}

        await eventually(has_both, f"{node.name}: links of both families", timeout_s=PATIENCE_S)
