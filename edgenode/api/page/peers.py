"""The table of peers."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from edgenode.api.page.text import duration, short_id

MAX_SHOWN = 64
"""More than can be linked; what is beyond it are peers of the past, which REST has."""

_HEADS = ("Node", "Where", "State", "Round trip", "Linked", "")


def table(peers: Sequence[Mapping[str, Any]], now_s: float, seconds_of: Any) -> str:
    """Return the table as HTML; `seconds_of(text)` reads an ISO 8601 time as seconds since 1970."""
    if not peers:
        return '<p class="none">No peer is known yet. They appear here as soon as one links.</p>'
    heads = "".join(
        f'<th scope="col" role="columnheader">{head or "<span class=vh>Actions</span>"}</th>'
        for head in _HEADS
    )
    rows = "".join(_row(peer, now_s, seconds_of) for peer in peers[:MAX_SHOWN])
    more = len(peers) - MAX_SHOWN
    rest = f'<p class="none">and {more} more, at /node/peers</p>' if more > 0 else ""
    return (
        '<table role="table"><thead role="rowgroup"><tr role="row">'
        f'{heads}</tr></thead><tbody role="rowgroup">{rows}</tbody></table>{rest}'
    )


def _row(peer: Mapping[str, Any], now_s: float, seconds_of: Any) -> str:
    node_id = peer["nodeId"]
    linked = peer["status"] == "connected"
    where = f"<code>{escape(peer['address'])}</code>"
    if peer.get("region"):
        where = f"{escape(peer['region'])} · {where}"
    state = f'<span class="pill {escape(peer["status"])}">{escape(peer["status"])}</span>'
    if "lastError" in peer:
        state += f" <small>{escape(peer['lastError'])}</small>"
    elif linked and peer.get("direction"):
        state += f" <small>{escape(peer['direction'])}</small>"
    if linked and peer.get("since"):
        since = f"for {duration(now_s - seconds_of(peer['since']))}"
    elif peer["lastSeen"]:
        since = f"seen {duration(now_s - seconds_of(peer['lastSeen']))} ago"
    else:
        since = "never seen"
    cells = (
        short_id(node_id) if node_id else "not known yet",
        where,
        state,
        f"{peer['roundTrip']:g} ms" if peer.get("roundTrip") is not None else "",
        escape(since),
    )
    heads = _HEADS[: len(cells)]
    acting = ""
    if node_id and linked:
        acting = f' data-peer="{escape(node_id)}" data-address="{escape(peer["remoteAddress"])}"'
    return (
        f'<tr role="row" id="p-{escape(node_id or peer["address"])}">'
        + "".join(
            f'<td role="cell" data-head="{head}">{cell}</td>'
            for head, cell in zip(heads, cells, strict=True)
        )
        + f'<td role="cell" class="act" data-keep{acting}></td></tr>'
    )
