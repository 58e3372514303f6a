"""A node as Prometheus, probes and the service manager see it."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from edgenode.daemon.watch.catalogue import EVENTS
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.wait import eventually

STATUS_S = 15.0
"""It is told within 5 s of a change."""


async def metrics(nodes: Nodes, node: Node) -> dict[str, float]:
    async with nodes.session.get(f"{node.rest.base}/metrics") as response:
        assert response.status == 200
        lines = (await response.text()).splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


async def test_metrics_are_those_of_the_node(nodes: Nodes) -> None:
    first, second = await nodes.pair()
    data = b"x" * 5000
    block_id = await first.rest.post(data)
    assert (await second.rest.get(block_id)).body == data
    found = await metrics(nodes, second)
    assert found["edgenode_peers"] == 1
    assert found['edgenode_links{direction="out"}'] == 1
    assert found['edgenode_links{direction="in"}'] == 0
    assert found['edgenode_dials_total{result="success"}'] == 1
    assert found['edgenode_dials_total{result="failed"}'] == 0
    assert found['edgenode_addresses{state="new"}'] == 0
    assert found["edgenode_blocks"] == 1
    assert found["edgenode_block_bytes"] == 5000
    assert found['edgenode_operations_total{result="success"}'] == 1
    assert found['edgenode_network_bytes_total{direction="in"}'] > 5000
    assert found["edgenode_disk_free_bytes"] > 0
    assert 10 * 2**20 < found["process_resident_memory_bytes"] < 100 * 2**20
    assert found["process_resident_memory_bytes"] > found["edgenode_anonymous_memory_bytes"]
    assert found['edgenode_reachability{verdict="mapping-off"}'] == 1
    assert found["edgenode_port_mapping_wanted"] == 0
    assert sum(found[f'edgenode_warnings_total{{event="{event}"}}'] for event in EVENTS) == 0
    assert (
        found["process_start_time_seconds"]
        == (await metrics(nodes, second))["process_start_time_seconds"]
    )

    async def both_told() -> bool:
        return (await metrics(nodes, second))["edgenode_origins"] == 1

    await eventually(both_told, "the other's records are carried")


async def test_damage_is_counted(nodes: Nodes) -> None:
    node = await nodes.start("node")
    block_id = await node.rest.post(b"block")
    path = node.data_dir / "blocks" / block_id[:2] / block_id
    path.write_bytes(b"other bytes")
    assert (await node.rest.get(block_id, local=True)).status == 404
    found = await metrics(nodes, node)
    assert found["edgenode_blocks_damaged_total"] == 1
    assert found['edgenode_warnings_total{event="block-damaged"}'] == 1
    line = (await node.logged("does not match its hash"))[0]
    assert line
    (full,) = [line for line in node.lines if "does not match its hash" in line]
    assert "EVENT=block-damaged" in full


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_node_that_runs_is_well(nodes: Nodes, path: str) -> None:
    node = await nodes.start("node")

    async def well() -> bool:
        async with nodes.session.get(node.rest.base + path) as response:
            return response.status == 200 and await response.json() == {"status": "ok"}

    await eventually(well, "the blocks are counted")


async def test_a_node_whose_data_folder_is_gone_is_not(nodes: Nodes) -> None:
    node = await nodes.start("node")
    moved = node.data_dir.with_name("elsewhere")
    node.data_dir.rename(moved)
    try:
        async with nodes.session.get(f"{node.rest.base}/healthz") as response:
            assert response.status == 503
            problem = await response.json()
        assert problem["type"] == "urn:edgenode:problem:not-alive"
        assert "No such file" in problem["detail"]
        assert "edgenode_disk_free_bytes" not in await metrics(nodes, node)
    finally:
        moved.rename(node.data_dir)


async def test_the_service_manager_sees_a_line(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        listening.setblocking(False)
        monkeypatch.setitem(os.environ, "NOTIFY_SOCKET", path)
        node = await nodes.start("node")
        monkeypatch.delitem(os.environ, "NOTIFY_SOCKET")
        loop = asyncio.get_running_loop()

        async def says(text: bytes) -> None:
            async with asyncio.timeout(STATUS_S):
                while await loop.sock_recv(listening, 200) != text:
                    pass

        await says(b"READY=1")
        await says(b"STATUS=0 peers, 0 blocks, not reachable (mapping-off)")
        await node.rest.post(b"block")
        await says(b"STATUS=0 peers, 1 block, not reachable (mapping-off)")
