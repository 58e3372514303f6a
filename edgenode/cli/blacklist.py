"""`edgenode blacklist`."""

from edgenode.cli import exits
from edgenode.cli.client import Node
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import aligned, out, out_json, say
from edgenode.cli.reading import maybe, tables, text
from edgenode.core.blacklist import parse_entry
from edgenode.core.ip import format_ip


def show(node: Node, *, as_json: bool) -> int:
    """Print who is shut out, one a line: address, until when, by whom and why."""
    with node.request("GET", "/blacklist", token=node.token()) as answer:
        found = node.json(answer)
    if as_json:
        out_json(found)
        return exits.OK
    rows = [
        (text(entry, "address"), f"until {_end(entry)}", text(entry, "by"), text(entry, "reason"))
        for entry in tables(found, "blacklist")
    ]
    for line in aligned(rows) if rows else ():
        out(line)
    if not rows:
        say("nobody is shut out")
    return exits.OK


def add(node: Node, address: str, duration_s: int | None, *, as_json: bool) -> int:
    """Shut an address out, for `duration_s` or until it is removed."""
    entry = node.post_json("/blacklist", {"address": address, "duration": duration_s})
    if as_json:
        out_json(entry)
    else:
        out(f"{text(entry, 'address')} is shut out until {_end(entry)}")
    return exits.OK


def remove(node: Node, address: str, *, as_json: bool) -> int:
    """Let an address in again."""
    packed = parse_entry(address)
    if packed is None:
        raise CommandFailed(exits.USAGE, "not an IP address, as 'edgenode blacklist' lists them")
    # The list shows the /64 of IPv6 with its length; in a path any address in it stands for it.
    path = f"/blacklist/{format_ip(packed)}"
    with node.request("DELETE", path, token=node.token()):
        pass
    if as_json:
        out_json({"address": address})
    else:
        out(f"{address} is let in")
    return exits.OK


def _end(entry: dict[str, object]) -> str:
    return "it is removed" if entry.get("until") is None else maybe(entry, "until")
