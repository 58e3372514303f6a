"""What a node answers to one that asks for a session."""

from typing import Any

import aiohttp

from edgenode.core.pae import session_bytes
from edgenode.link.handshake import LocalIdentity
from tests.integration.support.node import Node


async def ask_session(
    session: aiohttp.ClientSession, node: Node, identity: LocalIdentity
) -> tuple[int, dict[str, Any]]:
    """Return status and body of the answer to an honest proof of `identity`."""
    url = f"http://127.0.0.1:{node.ws_port}/auth"
    asked = {"nodeId": identity.node_id, "publicKey": identity.node_id}
    async with session.post(f"{url}/challenge", json=asked) as response:
        challenge = str((await response.json())["challenge"])
    parties = (bytes.fromhex(identity.node_id), bytes.fromhex(node.node_id))
    proof = identity.sign(session_bytes(identity.network, *parties, bytes.fromhex(challenge)))
    answer = {"nodeId": identity.node_id, "challenge": challenge, "signature": proof.hex()}
    async with session.post(f"{url}/session", json=answer) as response:
        return response.status, await response.json(content_type=None)
