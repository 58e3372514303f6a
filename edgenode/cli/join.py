"""`edgenode join`: taking an invitation, with a node that runs or one that does not."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgenode.cli import exits
from edgenode.cli.client import Node
from edgenode.cli.exits import CommandFailed
from edgenode.cli.moving import told
from edgenode.cli.output import aligned, clean, out, out_json, say
from edgenode.cli.reading import maybe, tables, text
from edgenode.core.errors import DecodeError
from edgenode.core.invite import MAX_TEXT_CHARS, decode_invitation
from edgenode.daemon.finding.joinstopped import forget_stopped, join_stopped, kept

STANDARD = "-"
RESTART = "sudo systemctl restart edgenode"

_Found = Callable[[], Node]


def join(find: _Found, line: str, data_dir: Path, config_file: Path, *, as_json: bool) -> int:
    """Take an invitation; `find()` gives the running node. Exits with 1 where there is no link."""
    if line == STANDARD:
        line = sys.stdin.buffer.read(4 * MAX_TEXT_CHARS).decode("ascii", "replace")
    try:
        decode_invitation(line)  # what is wrong with the line is told whether a node runs or not
    except DecodeError as error:
        raise CommandFailed(exits.FAILED, str(error)) from None
    node = _running(find)
    if node is None:
        with told(data_dir):
            outcome: dict[str, Any] = join_stopped(line, data_dir, config_file)
    else:
        outcome = node.post_json("/join", {"line": line})
    if as_json:
        out_json(outcome)
    return _explain(outcome, quiet=as_json)


def show(find: _Found, data_dir: Path, *, as_json: bool) -> int:
    """List what invitations have told."""
    node = _running(find)
    if node is None:
        with told(data_dir):
            found: dict[str, Any] = kept(data_dir)
    else:
        with node.request("GET", "/joined", token=node.token()) as answer:
            found = node.json(answer)
    if as_json:
        out_json(found)
        return exits.OK
    if found.get("network"):
        secret = ", with its secret" if found.get("secret") is True else ""
        out(f"network {text(found, 'network')}{secret}")
    rows = [
        (text(entry, "nodeId"), text(entry, "network"), _places(entry))
        for entry in tables(found, "nodes")
    ]
    for row in aligned(rows) if rows else ():
        out(row)
    if not rows and not found.get("network"):
        say("no invitation is kept")
    return exits.OK


def forget(find: _Found, name: str, data_dir: Path, *, as_json: bool) -> int:
    """Forget a node by its id, or a network with its secret and its nodes."""
    node = _running(find)
    if node is None:
        with told(data_dir):
            was_kept = forget_stopped(name, data_dir)
        if not was_kept:
            raise CommandFailed(exits.FAILED, "nothing of that name is kept; --list shows what is")
        outcome: dict[str, Any] = {"name": name, "restart": False}
    else:
        outcome = node.post_json("/joined/forget", {"name": name})
    if as_json:
        out_json(outcome)
    else:
        out("forgotten")
    if outcome.get("restart") is True:
        say(f"the node is in that network until it is restarted: {RESTART}")
    return exits.OK


def _explain(outcome: dict[str, Any], *, quiet: bool) -> int:
    state, name = text(outcome, "state"), text(outcome, "network")
    node = text(outcome, "nodeId")
    tell = say if quiet else out
    if state == "linked":
        tell(f"linked with {node} of the network {name}")
        return exits.OK
    if state == "restart":
        tell(f"kept: the node is in the network {name} from its next start on. Type: {RESTART}")
        return exits.OK
    if state == "stopped":
        tell(f"kept: the node joins {name} when it is started")
        return exits.OK
    tell(f"kept, and not linked yet: {maybe(outcome, 'detail')}")
    say("the node goes on trying; 'edgenode discover' shows what comes of it")
    return exits.FAILED


def _places(entry: dict[str, Any]) -> str:
    places = [(maybe(place, "address"), place.get("port")) for place in tables(entry, "addresses")]
    return clean(
        " ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in places)
    )


def _running(find: _Found) -> Node | None:
    """Return the running node, None where none runs."""
    try:
        node = find()
        node.token()
    except CommandFailed as error:
        if error.code == exits.NOT_RUNNING:
            return None
        raise
    return node
