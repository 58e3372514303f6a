"""`edgenode pin`, `unpin` and `pins`."""

from edgenode.cli import exits
from edgenode.cli.client import Node
from edgenode.cli.output import out, out_json, say
from edgenode.cli.reading import tables, text


def pin(node: Node, block_id: str, *, as_json: bool) -> int:
    """Have the node keep a block."""
    return _change(node, "PUT", block_id, "pinned: it is fetched if it is missing", as_json)


def unpin(node: Node, block_id: str, *, as_json: bool) -> int:
    """Let a block be deleted again."""
    return _change(node, "DELETE", block_id, "unpinned: it stays until it is deleted", as_json)


def pins(node: Node, *, as_json: bool) -> int:
    """List the pinned blocks."""
    with node.request("GET", "/pins", token=node.token()) as given:
        answer = node.json(given)
    if as_json:
        out_json(answer)
        return exits.OK
    for entry in tables(answer, "pins"):
        missing = "" if entry.get("held") is True else "  (not here yet)"
        out(text(entry, "blockId") + missing)
    return exits.OK


def _change(node: Node, method: str, block_id: str, said: str, as_json: bool) -> int:
    with node.request(method, f"/blocks/{block_id}/pin", token=node.token()):
        pass
    if as_json:
        out_json({"blockId": block_id, "pinned": method == "PUT"})
    else:
        say(said)
    return exits.OK
