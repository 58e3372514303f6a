"""schemathesis asks a real node, at both ports, for all that the OpenAPI document describes.

Requests are made from the document, and against it. No answer may be a 500, and each has a status,
a type, headers and a body that the document has for it.
"""

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from edgenode.api.node import OPENAPI_PATH
from edgenode.core.pae import session_bytes
from edgenode.crypto import SigningKey
from tests.integration.support.node import NETWORK, Node
from tests.integration.support.nodes import Nodes

EXAMPLES = int(os.environ.get("EDGENODE_SCHEMATHESIS_EXAMPLES", "8"))
"""Of each operation, beside those of its own that try each parameter: half a minute in all."""

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)
# Announcing would make the node dial whatever address comes of it; links and events are no REST.
NOT_ASKED = {"http": ("/peers/announce", "/events"), "peer": ("/ws",)}
ANYWHERE = ("400", "404", "405", "414", "431")
"""Said of all paths in the document's description."""

KEY = SigningKey(bytes(range(32)))
NODE_ID = KEY.public_key.hex()


@pytest.fixture(autouse=True)
def _needs_schemathesis() -> None:
    if importlib.util.find_spec("schemathesis") is None:
        reason = "schemathesis is missing: pip install -r requirements/fuzz.lock"
        if "EDGENODE_REQUIRE_SCHEMATHESIS" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)


def document_of(listener: str) -> dict[str, Any]:
    """Return the part of the document that is of one port, with what it says of all paths."""
    document: dict[str, Any] = json.loads(OPENAPI_PATH.read_text())
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    answer = {"description": "A problem.", "content": {"application/problem+json": problem}}
    paths: dict[str, Any] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if "x-listeners" not in operation:
                paths.setdefault(path, {})[method] = operation
            elif listener in operation["x-listeners"] and path not in NOT_ASKED[listener]:
                for status in ANYWHERE:
                    operation["responses"].setdefault(status, answer)
                paths.setdefault(path, {})[method] = operation
    return document | {"paths": paths}


async def session_token(node: Node) -> str:
    """Begin a session of a peer at the peer port."""
    url = f"http://127.0.0.1:{node.ws_port}/auth"
    asked = {"nodeId": NODE_ID, "publicKey": NODE_ID}
    async with node._session.post(f"{url}/challenge", json=asked) as response:
        challenge = str((await response.json())["challenge"])
    audience = bytes.fromhex(node.node_id)
    message = session_bytes(NETWORK, KEY.public_key, audience, bytes.fromhex(challenge))
    answer = {"nodeId": NODE_ID, "challenge": challenge, "signature": KEY.sign(message).hex()}
    async with node._session.post(f"{url}/session", json=answer) as response:
        return str((await response.json())["token"])


@pytest.mark.ci
async def test_both_ports_do_what_the_document_says(nodes: Nodes, tmp_path: Path) -> None:
    node = await nodes.start("node")
    tokens = {"http": node.rest._token, "peer": await session_token(node)}
    ports = {"http": node.http_port, "peer": node.ws_port}
    told = await asyncio.gather(
        *(_ask(tmp_path, each, ports[each], tokens[each]) for each in ("http", "peer"))
    )
    assert [text for text in told if text] == []
    assert [line for line in node.lines if "Traceback" in line or "request-failed" in line] == []


async def _ask(folder: Path, listener: str, port: int, token: str) -> str:
    """Run schemathesis at one port; return what it found, "" for nothing."""
    path = folder / f"{listener}.json"
    path.write_text(json.dumps(document_of(listener)))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", str(path)),
        *("--url", f"http://127.0.0.1:{port}", "-H", f"Authorization: Bearer {token}"),
        *("--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES)),
        *("--seed", "1", "--continue-on-failure", "--no-shrink", "--warnings", "off"),
        *("--suppress-health-check", "all", "--request-timeout", "20"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    text = output.decode()
    assert "Test cases:" in text, text
    return text if process.returncode else ""
