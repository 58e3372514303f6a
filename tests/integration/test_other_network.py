"""A node that joins another network keeps its word there, and its links."""

from tests.integration.support.node import OFTEN
from tests.integration.support.nodes import Nodes
from tests.integration.support.wait import eventually


async def test_what_was_said_in_one_network_is_said_again_in_another(nodes: Nodes) -> None:
    first, gone = nodes.make("first", more_config=OFTEN), nodes.make("gone")
    await first.start()
    gone.dials = [first.ws_port]
    await gone.start()
    theirs = await gone.rest.post(b"of a node that stays behind")
    block = await first.rest.post(b"of a node that moves")
    words = {"durabilityLevel": "archive"}
    status, _ = await first.rest.write(
        "/sync/metadata", {"updates": [{"blockId": block, "data": words}]}
    )
    assert status == 200

    async def heard() -> bool:
        return await first.rest.metadata(theirs) is not None

    await eventually(heard, "the other is heard of")
    await first.stop()
    await gone.stop()
    first._network = "elsewhere"
    await first.start()
    second = nodes.make("second", network="elsewhere", dials=[first.ws_port])
    await second.start()
    await second.linked_with(first)

    async def told() -> bool:
        found = await second.rest.metadata(block)
        return found is not None and found["durabilityLevel"] == "archive" and found["locations"]

    await eventually(told, "told in the new network", timeout_s=90)
    await second.linked_with(first)
    assert not [line for line in second.lines + first.lines if "did not sign" in line]
    assert await second.rest.metadata(theirs) is None
    assert await first.rest.metadata(theirs) is None
