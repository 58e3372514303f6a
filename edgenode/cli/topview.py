"""What `edgenode top` shows: from two looks at the node to lines that fit the terminal."""

from typing import Any, NamedTuple

from edgenode.cli.output import aligned, clean, human_bytes, human_duration
from edgenode.cli.reach import reach_words
from edgenode.cli.reading import maybe, number, table, tables, text
from edgenode.cli.show import BY, ID_COLUMN, found_by

COLOURS = {"connected": "green", "connecting": "yellow", "disconnected": "red"}


class Look(NamedTuple):
    """The node's answers, and when they came (seconds of any clock)."""

    at_s: float
    info: dict[str, Any]
    status: dict[str, Any]
    peers: dict[str, Any]


class Line(NamedTuple):
    """A line, and its colour, "" for none."""

    text: str
    colour: str = ""


def view(now: Look, before: Look | None, *, width: int, height: int) -> list[Line]:
    """Return at most `height` lines of at most `width` characters, the state first.

    `before` is an earlier look, for what happens in a second. Raises CommandFailed where an answer
    has another form.
    """
    status = now.status
    reach, colour, advice = reach_words(status)
    lines = [
        Line(
            f"edgenode {text(now.info, 'version')}  {text(now.info, 'nodeId')[:ID_COLUMN]}"
            f"  {text(now.info, 'network')}  up {human_duration(number(status, 'uptime'))}"
        ),
        Line(f"reachable: {reach}", colour),
    ]
    if advice:
        lines.append(Line(f"  {advice}"))
    lines += [Line(""), *(Line(line) for line in aligned(_figures(now, before))), Line("")]
    lines += _peers(tables(now.peers, "peers"), height - len(lines))
    return [Line(line.text[:width], line.colour) for line in lines[:height]]


def _figures(now: Look, before: Look | None) -> list[tuple[str, ...]]:
    """Return the rows: name, total, and the amount a second."""

    def row(name: str, path: tuple[str, str], *, is_bytes: bool) -> tuple[str, ...]:
        total = number(table(now.status, path[0]), path[1])
        speed = ""
        if before is not None and now.at_s > before.at_s:
            # A node that was restarted counts from 0.
            more = max(0.0, total - number(table(before.status, path[0]), path[1]))
            rate = more / (now.at_s - before.at_s)
            speed = f"{human_bytes(rate)}/s" if is_bytes else f"{rate:.1f}/s"
        return (name, human_bytes(total) if is_bytes else f"{total:,.0f}", speed)

    rows = [
        ("peers", f"{number(now.status, 'peers'):,.0f}", ""),
        ("blocks", f"{number(now.status, 'blocks'):,.0f}", ""),
        ("waiting to sync", f"{number(now.status, 'pendingSync'):,.0f}", ""),
        row("in", ("bandwidth", "in"), is_bytes=True),
        row("out", ("bandwidth", "out"), is_bytes=True),
    ]
    if "relayed" in table(now.status, "bandwidth"):
        rows.append(row("passed on", ("bandwidth", "relayed"), is_bytes=True))
    return [
        *rows,
        row("operations", ("operations", "success"), is_bytes=False),
        row("failed", ("operations", "failed"), is_bytes=False),
    ]


def _peers(peers: list[dict[str, Any]], room: int) -> list[Line]:
    """Return the peers as far as there is room, and how many are left out."""
    if not peers:
        return [Line("no peers yet")]
    shown = peers[: max(1, room - 1)]
    if len(shown) < len(peers):
        shown = peers[: max(1, room - 2)]
    header = (
        "NODE",
        "ADDRESS",
        "STATUS",
        "BY",
        "FOUND BY",
        "ROUND TRIP",
        "LAST SEEN",
        "LAST ERROR",
    )
    first, *rest = aligned([header, *(_peer(peer) for peer in shown)])
    lines = [Line(first)]
    for peer, line in zip(shown, rest, strict=True):
        lines.append(Line(line, COLOURS.get(maybe(peer, "status"), "")))
    left = len(peers) - len(shown)
    return [*lines, Line(f"and {left} more")] if left else lines


def _peer(peer: dict[str, Any]) -> tuple[str, ...]:
    address, port = maybe(peer, "address"), peer.get("wsPort")
    host = f"[{address}]" if ":" in address else address
    return (
        maybe(peer, "nodeId")[:ID_COLUMN],
        clean(f"{host}:{port}" if isinstance(port, int) else host),
        maybe(peer, "status"),
        BY.get(maybe(peer, "direction"), "-"),
        found_by(peer),
        f"{peer['roundTrip']:g} ms" if isinstance(peer.get("roundTrip"), int | float) else "-",
        maybe(peer, "lastSeen"),
        maybe(peer, "lastError"),
    )
