"""`edgenode doctor` as a program, on a real node."""

import asyncio
import json
import sys
from typing import Any

from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes


async def doctor(node: Node) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run it on the node's data folder; return its exit code and the checks by name."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgenode", "doctor", "--json"),
        *("--config", str(node.data_dir.parent / "config.toml")),
        *("--data-dir", str(node.data_dir)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, {check["name"]: check for check in json.loads(out)["checks"]}


async def test_of_a_node_that_runs_and_then_does_not(nodes: Nodes) -> None:
    first, node = await nodes.pair()
    code, checks = await doctor(node)
    assert code in (0, 1, 7)  # the machine's own state, clock and disk, is not the test's
    assert checks["node"] == {
        "name": "node",
        "state": "ok",
        "what": "running, linked with 1 node",
        "remedy": None,
    }
    assert checks["peer port"]["what"] == f"port {node.ws_port} is served"
    assert checks["http port"]["what"] == f"port {node.http_port} is served"
    # Linked on loopback alone: there is nobody on another network who could say.
    assert checks["reachability"]["state"] == "warning"
    assert checks["identity"]["what"].startswith(node.node_id[:16])
    assert "the node takes" in checks["memory"]["what"]
    await node.stop()
    await first.stop()
    code, checks = await doctor(node)
    assert code in (1, 7)
    assert checks["node"]["what"] == "not running"
    assert checks["peer port"]["state"] == "ok"
    assert "reachability" not in checks
