"""A line from a node in one home takes another node, in another home, to it."""

import asyncio
import json
import sys

import pytest

from edgenode.core.invite import decode_invitation
from tests.integration.support.wait import eventually
from tests.lab.support.lab import Lab
from tests.lab.support.miniupnpd import Offers
from tests.lab.support.node import LabNode, LabNodes

NEIGHBOURS = "[nat]\nenabled = false\n[discovery]\nmdns = true\nmulticast = false\n"


async def edgenode(node: LabNode, *arguments: str) -> tuple[int, str, str]:
    """Run the command on the node's host; return exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(*node.host.namespace.entering, sys.executable, "-m", "edgenode", *arguments),
        *("--data-dir", str(node.data_dir)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.ci
async def test_a_line_from_another_home(lab: Lab, nodes: LabNodes) -> None:
    home, away = lab.home("a", Offers(), ipv6=False), lab.router("away", ipv6=False)
    a = await nodes.start("a", home.host)
    await a.has_verdict("mapped")
    code, out, err = await edgenode(a, "invite")
    assert (code, err) == (0, "")  # it has an address from outside
    line = out.strip()
    hosts = [host for host, _ in decode_invitation(line).addresses]
    assert hosts[0] == home.router.wan.address
    assert home.host.address in hosts
    b = await nodes.start("b", lab.host("b", away), more_config=NEIGHBOURS)
    c = await nodes.start("c", lab.host("c", away), more_config=NEIGHBOURS)
    await b.linked_with(c)
    code, _, err = await edgenode(b, "invite")
    assert "works on its own network" in err
    code, out, err = await edgenode(b, "join", line)
    assert (code, out) == (0, f"linked with {a.node_id} of the network test-net\n"), err
    held = await a.rest.post(b"from another home")
    assert (await b.rest.get(held)).body == b"from another home"
    # Where it came from, and how the neighbour was found, is listed.
    code, out, _ = await edgenode(b, "discover", "--json")
    found = json.loads(out)["discovered"]
    ways = {entry["nodeId"]: entry["how"] for entry in found if entry["status"] == "linked"}
    assert "invitation" in ways[a.node_id]
    assert "mdns" in ways[c.node_id]

    # The neighbour needs no line of its own: peers tell of peers.
    async def both() -> bool:
        linked = {peer["nodeId"] for peer in await c.rest.peers() if peer["status"] == "connected"}
        return {a.node_id, b.node_id} <= linked

    await eventually(both, "the neighbour links, too", timeout_s=30.0)
