"""Updates that nobody takes: REST refuses more at the bound, keeps what it took, and goes on."""

from pathlib import Path

from edgenode.store.outbox import MAX_PENDING
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.records import QUICK, all_agree, seen_at, some_id
from tests.integration.support.rest import TIMEOUT

EACH = 100


def updates(first: int, text: str) -> dict[str, object]:
    return {
        "updates": [
            {"blockId": some_id(f"full {number}"), "data": {"durabilityLevel": text}}
            for number in range(first, first + EACH)
        ]
    }


async def refusal(nodes: Nodes, node: Node, body: dict[str, object]) -> dict[str, object]:
    """Return the problem that a write is answered with, checked as one that says when to come."""
    token = (node.data_dir / "operator.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    async with nodes.session.post(
        node.rest.base + "/sync/metadata", json=body, headers=headers, timeout=TIMEOUT
    ) as response:
        assert response.status == 503, await response.text()
        assert response.content_type == "application/problem+json"
        assert int(response.headers["Retry-After"]) > 0
        found: dict[str, object] = await response.json()
        return found


async def test_full_outbox_refuses_loses_nothing_and_takes_again(tmp_path: Path) -> None:
    """A start with a key of before signs nothing for a minute, unless a peer has had its say."""
    async with Nodes(tmp_path) as nodes:
        node = await nodes.start("a", more_config=QUICK)
        await node.stop()
        await node.start()
        for first in range(0, MAX_PENDING, EACH):
            answer = await node.rest.write("/sync/metadata", updates(first, "first"))
            assert answer == (200, {"accepted": EACH})

        problem = await refusal(nodes, node, updates(MAX_PENDING, "refused"))
        assert problem["type"] == "urn:edgenode:problem:busy"
        # What is in the place of one that waits needs no room.
        assert (await node.rest.write("/sync/metadata", updates(0, "second")))[0] == 200
        status, _ = await node.rest.write(
            f"/blocks/{some_id('full beyond')}/temperature", {"temperature": "HOT"}
        )
        assert status == 503
        assert await node.rest.metadata(some_id("full beyond")) is None
        await node.kill()
        await node.start()  # all that was accepted is durable, and it is still full
        await refusal(nodes, node, updates(MAX_PENDING, "refused"))

        peer = await nodes.start("b", dials=[node.ws_port], more_config=QUICK)
        await peer.linked_with(node)

        # Whichever of the two is told last: then the node has no more, and the two agree on it.
        for number, text in ((EACH - 1, "second"), (MAX_PENDING - 1, "first")):
            await seen_at(
                peer,
                some_id(f"full {number}"),
                lambda it, text=text: it["durabilityLevel"] == text,  # type: ignore[misc]
                timeout_s=60.0,
            )
        await all_agree(nodes.session, [node, peer])
        assert (await peer.rest.health())["totalBlocks"] == MAX_PENDING
        for number, text in ((0, "second"), (EACH, "first"), (MAX_PENDING - 1, "first")):
            found = await peer.rest.metadata(some_id(f"full {number}"))
            assert found is not None
            assert found["durabilityLevel"] == text
        assert await peer.rest.metadata(some_id(f"full {MAX_PENDING}")) is None  # was refused

        answer = await node.rest.write("/sync/metadata", updates(MAX_PENDING, "third"))
        assert answer == (200, {"accepted": EACH})
        await seen_at(
            peer, some_id(f"full {MAX_PENDING}"), lambda it: it["durabilityLevel"] == "third"
        )
