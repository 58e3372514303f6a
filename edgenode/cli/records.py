"""`edgenode temp`, `meta`, `blocks` and `health`."""

from collections.abc import Iterator
from typing import Any

from edgenode.cli import exits
from edgenode.cli.arguments.values import AUTO
from edgenode.cli.client import Node
from edgenode.cli.output import aligned, clean, human_bytes, out, out_json, say
from edgenode.cli.reading import maybe, not_understood, number, table, tables, text
from edgenode.core.ids import is_block_id

PAGE = 1000
"""Blocks asked for at a time: as many as a node gives."""


def temp(node: Node, block_id: str, wanted: str | None, *, as_json: bool) -> int:
    """Print the temperature of a block, or set this node's to `wanted` (AUTO: derived)."""
    if wanted is None:
        shown = table(node.get_json(f"/blocks/{block_id}/metadata"), "temperature")
        name = maybe(shown, "class")
        answer: dict[str, Any] = {"blockId": block_id, "temperature": shown}
    else:
        value = None if wanted == AUTO else wanted
        answer = node.post_json(f"/blocks/{block_id}/temperature", {"temperature": value})
        name = maybe(answer, "temperature")
    if as_json:
        out_json(answer)
    else:
        out(name)
    return exits.OK


def meta(node: Node, block_id: str, *, as_json: bool) -> int:
    """Print what is known of a block (with --json its BlockMetadata)."""
    metadata = node.get_json(f"/blocks/{block_id}/metadata")
    if as_json:
        out_json(metadata)
        return exits.OK
    size = "-" if metadata.get("size") is None else human_bytes(number(metadata, "size"))
    rows = [
        ("block", text(metadata, "blockId")),
        ("held here", "yes" if metadata.get("held") is True else "no"),
        ("size", size),
        ("created", maybe(metadata, "createdAt")),
        ("expires", maybe(metadata, "expiresAt")),
        ("durability", maybe(metadata, "durabilityLevel")),
        ("temperature", maybe(table(metadata, "temperature"), "class")),
        ("accesses here", f"{number(metadata, 'accessCount'):.0f}"),
        ("last access", maybe(metadata, "lastAccessedAt")),
    ]
    user = table(metadata, "user")
    rows += [(f"user {clean(key)}", maybe(user, key)) for key in sorted(user)]
    rows += [
        ("held by", f"{text(location, 'nodeId')}, last heard of {maybe(location, 'lastSeen')}")
        for location in tables(metadata, "locations")
    ]
    for line in aligned(rows):
        out(line)
    return exits.OK


def blocks(node: Node, *, as_json: bool) -> int:
    """Print id and bytes of each block held, one a line, ascending by id."""
    empty = True
    for block in _held(node):
        empty = False
        if as_json:
            out_json(block, indent=None)
        else:
            out(f"{text(block, 'blockId')}  {number(block, 'size'):.0f}")
    if empty:
        say("no blocks yet")
    return exits.OK


def health(node: Node, *, as_json: bool) -> int:
    """Print how the network is (with --json its NetworkHealth)."""
    found = node.get_json("/network/health")
    if as_json:
        out_json(found)
        return exits.OK
    regions = table(found, "regionDistribution")
    rows = [
        ("active nodes", f"{number(found, 'activeNodes'):.0f}"),
        ("blocks", f"{number(found, 'totalBlocks'):.0f}"),
        ("copies of each", f"{number(found, 'averageRedundancy'):.1f} on average"),
    ]
    rows += [
        (f"in {clean(region)}", f"{number(regions, region):.0f}") for region in sorted(regions)
    ]
    for line in aligned(rows):
        out(line)
    return exits.OK


def _held(node: Node) -> Iterator[dict[str, Any]]:
    """Give the blocks of every page. A cursor always goes up, or this might never end."""
    path = f"/blocks?limit={PAGE}"
    cursor = ""
    while True:
        with node.request("GET", path, token=node.token()) as answer:
            page = node.json(answer)
        yield from tables(page, "blocks")
        after = page.get("cursor")
        if after is None:
            return
        if not is_block_id(after) or after <= cursor:
            raise not_understood("cursor")
        cursor = after
        path = f"/blocks?limit={PAGE}&cursor={cursor}"
