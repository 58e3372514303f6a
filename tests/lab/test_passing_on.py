"""Two homes that cannot reach each other, and a public node that passes blocks on for them."""

import pytest

from tests.lab.support.blocks import BLOCK, FETCH_S, relayed, told_of
from tests.lab.support.lab import Lab
from tests.lab.support.node import LabNode, LabNodes


async def strangers(
    lab: Lab, nodes: LabNodes, config: str = ""
) -> tuple[LabNode, LabNode, LabNode]:
    """The public node, set so, and those of two homes whose connections each leave from another
    port, so that no hole is ever met."""
    public = lab.host("public")
    middle = await nodes.start("public", public, more_config=config)
    pair = []
    for name in ("a", "b"):
        home = lab.home(name, None, ipv6=False, random_ports=True)
        pair.append(await nodes.start(name, home.host, knows=[public.address]))
        await pair[-1].linked_with(middle)
    return middle, pair[0], pair[1]


async def test_it_passes_a_block_on(lab: Lab, nodes: LabNodes) -> None:
    middle, a, b = await strangers(lab, nodes)
    held = await a.rest.post(BLOCK)
    await told_of(b, held)
    assert (await b.rest.get(held, total_s=FETCH_S)).body == BLOCK
    assert await relayed(middle) >= len(BLOCK)
    assert not any(f"linked with {b.node_id}" in line for line in a.lines)
    assert (await middle.rest.get(held, local=True)).status == 404


@pytest.mark.ci
async def test_it_passes_nothing_on_where_it_is_told_not_to(lab: Lab, nodes: LabNodes) -> None:
    middle, a, b = await strangers(lab, nodes, "[nat]\nrelay = false")
    held = await a.rest.post(BLOCK)
    await told_of(b, held)
    assert (await b.rest.get(held)).status == 404
    assert await relayed(middle) == 0
