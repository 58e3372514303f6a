"""`edgenode discover`: other nodes that were found, how, and how long ago."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from edgenode.cli import exits
from edgenode.cli.client import Node
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import clean, human_duration, out, out_json, painted, say, with_status
from edgenode.cli.reading import maybe, tables
from edgenode.cli.show import ID_COLUMN

LOOK_S = 1.0
"""Between looks while it watches: mDNS finds neighbours within a second."""

HEADER = ("NODE", "ADDRESS", "FOUND BY", "LAST SEEN", "STATUS", "LAST ERROR")

_COLOUR_OF = {"linked": "green", "dialling": "yellow", "failed": "red"}

Entry = dict[str, Any]


def discover(node: Node, *, as_json: bool) -> int:
    """Print what is found (with --json as the node gives it)."""
    answer = node.get_json("/node/discovered")
    entries = tables(answer, "discovered")
    if as_json:
        out_json(answer)
        return exits.OK
    if entries:
        for line in lines_of(entries, _now()):
            out(line)
    else:
        say("nothing is found yet; 'edgenode join' takes an invitation")
    return exits.OK


def watch(node: Node, *, as_json: bool) -> int:
    """Print what is found, and then each change, one a line, until Ctrl-C."""
    node.token_if_readable()  # nothing is limited for the operator
    known: dict[tuple[str, str], Entry] = {}
    while True:
        try:
            found = tables(node.get_json("/node/discovered"), "discovered")
        except CommandFailed as error:
            if error.code == exits.NOT_RUNNING:
                raise
            raise CommandFailed(exits.FAILED, str(error)) from None
        now = {(maybe(entry, "address"), str(entry.get("port"))): entry for entry in found}
        for change, entry in changes(known, now):
            if as_json:
                out_json({"change": change, **entry}, indent=None)
            else:
                out(change_line(change, entry, _now()))
        known = now
        time.sleep(LOOK_S)


def changes(
    before: dict[tuple[str, str], Entry], now: dict[tuple[str, str], Entry]
) -> list[tuple[str, Entry]]:
    """Return what became another: ("found" | "changed" | "gone", entry). Time alone does not."""
    made = []
    for place, entry in now.items():
        if place not in before:
            made.append(("found", entry))
        elif _fixed(entry) != _fixed(before[place]):
            made.append(("changed", entry))
    return made + [("gone", entry) for place, entry in before.items() if place not in now]


def lines_of(entries: Sequence[Entry], now_s: float) -> list[str]:
    """Lay the entries out in columns, below their header; `now_s` is Unix time."""
    return with_status([HEADER, *(_row(entry, now_s) for entry in entries)], _COLOUR_OF)


def change_line(change: str, entry: Entry, now_s: float) -> str:
    """Return a change in one line."""
    node, address, how, _, status, error = _row(entry, now_s)
    moment = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = f"{moment}  {change:<7}  {node}  {address}  {how}  {painted(status, _COLOUR_OF)}"
    return line if error == "-" else f"{line}  {error}"


def _row(entry: Entry, now_s: float) -> tuple[str, ...]:
    address, port = maybe(entry, "address"), entry.get("port")
    host = f"[{address}]" if ":" in address else address
    how = entry.get("how")
    words = how if isinstance(how, list) else []
    return (
        maybe(entry, "nodeId")[:ID_COLUMN],
        f"{host}:{port}" if isinstance(port, int) else host,
        clean(",".join(str(word) for word in words)) or "-",
        _ago(maybe(entry, "lastSeen"), now_s),
        maybe(entry, "status"),
        maybe(entry, "lastError"),
    )


def _ago(time_text: str, now_s: float) -> str:
    try:
        seen_s = datetime.fromisoformat(time_text).timestamp()
    except ValueError:
        return "-"
    return human_duration(max(0.0, now_s - seen_s)) + " ago"


def _fixed(entry: Entry) -> Entry:
    return {name: value for name, value in entry.items() if name != "lastSeen"}


def _now() -> float:
    return time.time()
