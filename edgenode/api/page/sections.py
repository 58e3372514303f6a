"""The other parts of the page: figures, blocks and space, sync, the network, the node."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from edgenode.api.page.plots import bars
from edgenode.api.page.state import outside, room_bytes
from edgenode.api.page.text import amount, count, duration, row, short_id


def figures(status: Mapping[str, Any], storage: Mapping[str, Any]) -> str:
    """Return the few numbers that are looked at most."""
    bandwidth = status["bandwidth"]
    found = (
        (f"{status['peers']:,}", "peers linked"),
        (f"{status['blocks']:,}", "blocks held"),
        (amount(storage["bytes"]), "of blocks"),
        (amount(bandwidth["in"] + bandwidth["out"]), "moved since start"),
        (duration(status["uptime"]), "running"),
    )
    return "".join(f"<li><b>{escape(value)}</b><span>{name}</span></li>" for value, name in found)


def space(storage: Mapping[str, Any]) -> str:
    """Return how full the node is."""
    used = storage["bytes"]
    if storage["freeBytes"] is None:
        return f"<p>{amount(used)} held. The disk does not say how much is free.</p>"
    room = room_bytes(storage)
    share = 100 * used / (used + room) if used + room else 100
    limit = "the limit in the settings" if storage["maxBytes"] is not None else "the disk"
    return (
        f'<p class="meter"><b>{amount(used)}</b> used, {amount(room)} left '
        f'<small>(by {limit})</small></p><progress class="space" max="100" value="{share:.1f}" '
        f'aria-label="Space used for blocks">{share:.0f} %</progress>'
    )


def temperatures(storage: Mapping[str, Any]) -> str:
    """Return the histogram of temperatures."""
    counted = storage["temperatures"]
    unread = max(0, storage["blocks"] - sum(counted.values()))
    return bars({**counted, "never read": unread}, kinds=True)


def sync(data: Mapping[str, Any]) -> str:
    """Return what is under way."""
    origins, behind = data["origins"], data["originsBehind"]
    waiting = data["updatesWaiting"]
    level = origins - behind
    missing = f", {count(data['batchesMissing'], 'batch').replace('batchs', 'batches')} to come"
    parts = [
        "<p>Records of others: "
        + (
            f"<b>{level} of {origins}</b> complete{missing if behind else ''}</p>"
            if origins
            else "none known yet</p>"
        ),
    ]
    if origins:
        parts.append(
            f'<progress max="{origins}" value="{level}" '
            f'aria-label="Nodes whose records are complete">{level} of {origins}</progress>'
        )
    own = "none" if not waiting else f"<b>{data['batchesWaiting']}</b>, with {waiting:,} updates"
    parts.append(f"<p>Batches waiting to be sent: {own}</p>")
    parts.append(f"<p>Blocks still to fetch: <b>{data['wanted']:,}</b></p>")
    for transfer in data["transfers"]:
        size, received = transfer["size"], transfer["received"]
        name = escape(transfer["blockId"][:12])
        parts.append(
            f'<p class="transfer" id="t-{name}">{short_id(transfer["blockId"])} '
            f"<small>{amount(received)} of {amount(size)}</small>"
            f'<progress max="{size}" value="{received}" '
            f'aria-label="Block {name}"></progress></p>'
        )
    return "".join(parts)


def network(health: Mapping[str, Any] | None) -> str:
    """Return NetworkHealth; None: it is not known."""
    if health is None:
        return '<p class="none">Not known: the database does not answer.</p>'
    facts = (
        (f"{health['activeNodes']:,}", "active nodes"),
        (f"{health['totalBlocks']:,}", "blocks known"),
        (f"{health['averageRedundancy']:.1f}", "copies of each"),
    )
    items = "".join(f"<li><b>{value}</b><span>{name}</span></li>" for value, name in facts)
    regions = sorted(health["regionDistribution"].items(), key=lambda item: (-item[1], item[0]))
    return f'<ul class="figures small">{items}</ul><h3>Nodes by region</h3>' + bars(
        dict(regions[:_MAX_REGIONS])
    )


_MAX_REGIONS = 12
"""Named by who announces them, so there might be any number."""


def facts(info: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """Return who the node is."""
    reachability = status["reachability"]
    return "".join(
        (
            row("Node id", f"<code>{escape(info['nodeId'])}</code>"),
            row("From outside", outside(reachability)),
            row("Addresses", _addresses(info["addresses"])),
            row("Network", escape(info["network"])),
            row("Region", escape(info["region"] or "not set")),
            row("Peer port", escape(str(info["wsPort"]))),
            row("HTTP port", escape(str(info["httpPort"])) + " (this page; local network only)"),
            row("Version", escape(info["version"])),
        )
    )


def _addresses(addresses: Iterable[str]) -> str:
    items = "".join(f"<li><code>{escape(address)}</code></li>" for address in addresses)
    return f"<ul>{items}</ul>" if items else "none known yet"
