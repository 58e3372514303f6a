"""Nodes that learn of one another from peers alone."""

import sqlite3

import pytest

from edgenode.core.ip import parse_ip
from tests.integration.support.wait import eventually
from tests.lab.support.lab import Lab
from tests.lab.support.node import PEER_PORT, LabNode, LabNodes

pytestmark = pytest.mark.ci

NODES = 5
LINKED_S = 20.0


async def linked_ids(node: LabNode) -> set[str]:
    return {peer["nodeId"] for peer in await node.rest.peers() if peer["status"] == "connected"}


def kept(node: LabNode) -> set[bytes]:
    """Return the IPv4 addresses, with their ports, in the table of a node that has stopped."""
    connection = sqlite3.connect(node.data_dir / "state.db")
    with connection:
        keys = {row[0] for row in connection.execute("SELECT key FROM addresses")}
    connection.close()
    return {key for key in keys if len(key) == 6}


async def test_the_fifth_learns_of_the_others_from_the_first(lab: Lab, nodes: LabNodes) -> None:
    hosts = [lab.host(f"n{number}") for number in range(NODES)]
    first = await nodes.start("n0", hosts[0])
    others = [
        await nodes.start(host.namespace.name, host, knows=[hosts[0].address]) for host in hosts[1:]
    ]
    fifth = others[-1]
    ids = {node.node_id for node in [first, *others]}

    async def knows_all() -> bool:
        return await linked_ids(fifth) == ids - {fifth.node_id}

    await eventually(knows_all, "the fifth is linked with all", timeout_s=LINKED_S)
    await fifth.stop()
    packed = [parse_ip(host.address) for host in hosts[:-1]]
    expected = {address + PEER_PORT.to_bytes(2, "big") for address in packed if address}
    assert kept(fifth) == expected
