"""A block on its way between homes: heard of, fetched, passed on."""

from tests.integration.support.wait import eventually
from tests.lab.support.node import LabNode

BLOCK = bytes(range(256)) * 400

FETCH_S = 3.0
"""Beside the transfer, which is of 100 KiB here."""


async def told_of(node: LabNode, block_id: str) -> None:
    """Wait until it has heard who holds a block."""

    async def heard() -> bool:
        return await node.rest.metadata(block_id) is not None

    await eventually(heard, f"{node.name} has heard of the block")


async def relayed(node: LabNode) -> int:
    """Bytes that it passed on for others."""
    found: int = (await node.rest.status())["bandwidth"]["relayed"]
    return found
