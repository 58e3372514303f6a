"""`edgenode invite`: the line by which others join."""

from typing import Any

from edgenode.cli.client import Node
from edgenode.cli.exits import OK
from edgenode.cli.output import out, out_json, say
from edgenode.cli.reading import maybe, text

_WHERE = {
    "local": "this node has no address that the internet knows: the line works on its own network",
    "machine": "this node listens on this machine alone: the line works here",
}


def invite(node: Node, *, with_secret: bool, as_json: bool) -> int:
    """Print the line of the running node; what is to be known of it goes to standard error."""
    token = node.token() if with_secret else None
    path = "/invitation?secret=1" if with_secret else "/invitation"
    with node.request("GET", path, token=token) as answer:
        found = node.json(answer)
    if as_json:
        out_json(found)
    else:
        out(text(found, "line"))
    _explain(found, with_secret=with_secret)
    return OK


def _explain(found: dict[str, Any], *, with_secret: bool) -> None:
    if (where := _WHERE.get(maybe(found, "reach"))) is not None:
        say(where)
    if found.get("secret") is True:
        say("the line holds the secret of the network: send it as you would send a password")
    elif found.get("closed") is True:
        say(
            "the network is closed, and the guest needs its secret too: tell it another way, or "
            "put it into the line by --with-secret"
        )
    elif with_secret:
        say("the network has no secret: the line holds none")
    if found.get("membersOnly") is True:
        say("this node takes members alone: the guest must be listed, or have a membership")
