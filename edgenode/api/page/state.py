"""The state in a line, how it came about, and what to do where something is wrong."""

from collections.abc import Mapping
from html import escape
from typing import Any

from edgenode.api.page.text import amount, count, duration
from edgenode.core.lonely import ADVICE, LONELY_S
from edgenode.core.reachability import BY_HAND, CGNAT, DOUBLE_NAT, IPV6_ONLY, REACHABLE, UNKNOWN

LOW_SHARE = 0.05
"""Of the space for blocks: below it the owner should know, in time to do something."""

_METHODS = {
    "pcp": "the router opened the port (PCP)",
    "nat-pmp": "the router opened the port (NAT-PMP)",
    "upnp": "the router opened the port (UPnP)",
    BY_HAND: "the port was opened by hand",
}


def headline(status: Mapping[str, Any]) -> str:
    """Return the state as plain text: `Reachable from the internet · 12 peers · 1,204 blocks`."""
    peers, blocks = count(status["peers"], "peer"), count(status["blocks"], "block")
    return f"{reach(status['reachability'])} · {peers} · {blocks}"


def reach(reachability: Mapping[str, Any]) -> str:
    """Return the verdict in words."""
    verdict = reachability["verdict"]
    if verdict == UNKNOWN:
        return "Finding out whether it can be reached"
    if verdict not in REACHABLE:
        return "Not reachable from the internet"
    if not reachability["verified"]:
        return "Probably reachable from the internet"
    by = " by IPv6" if verdict == IPV6_ONLY else ""
    return "Reachable from the internet" + by


def is_well(status: Mapping[str, Any], storage: Mapping[str, Any]) -> bool:
    """Tell whether there is nothing that the owner should look at."""
    return status["reachability"]["verdict"] in REACHABLE and not problems(status, storage)


def problems(status: Mapping[str, Any], storage: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong beside reachability, and what to do, as plain texts."""
    found = []
    if status["peers"] == 0:
        found.append(("No peer is linked.", _company(status["alone"])))
    if storage["freeBytes"] is None:
        found.append(("The disk does not answer.", "Check the card, and the log of the node."))
    else:
        room = room_bytes(storage)
        if room < LOW_SHARE * (room + storage["bytes"]) or room <= 0:
            found.append(
                (
                    f"Space for blocks is running out: {amount(room)} are left.",
                    "Delete blocks, raise max_bytes under [storage], or use a larger disk.",
                )
            )
    return found


def _company(alone_s: int) -> str:
    if alone_s < LONELY_S:
        return "Neighbours, and nodes that are known, are being looked for."
    return f"For {duration(alone_s)} now. {ADVICE} 'edgenode doctor' looks into it."


def room_bytes(storage: Mapping[str, Any]) -> int:
    """Return how many bytes of blocks can still be taken."""
    room = max(0, storage["freeBytes"] - storage["reserveBytes"])
    if storage["maxBytes"] is not None:
        room = min(room, max(0, storage["maxBytes"] - storage["bytes"]))
    return int(room)


def advice(status: Mapping[str, Any], storage: Mapping[str, Any], *, database: bool) -> str:
    """Return what is wrong and what to do, as HTML; "" where all is well.

    `database`: whether it answers.
    """
    reachability = status["reachability"]
    found = problems(status, storage)
    if not database:
        found.append(("The database does not answer.", "Check the card, and restart the node."))
    if reachability["verdict"] not in (*REACHABLE, UNKNOWN):
        found.insert(0, (_why(reachability["verdict"]), reachability["advice"]))
    items = "".join(
        f"<li><strong>{escape(wrong)}</strong> {escape(remedy)}</li>" for wrong, remedy in found
    )
    return f'<ul class="advice" aria-label="What to do">{items}</ul>' if items else ""


def how(reachability: Mapping[str, Any]) -> str:
    """Return how the node is reached, as a plain sentence."""
    verdict = reachability["verdict"]
    if verdict == UNKNOWN:
        return "The network is being looked at; this takes a minute."
    if verdict not in REACHABLE:
        return ""  # the advice says it
    got = _METHODS.get(reachability["method"], "no port had to be opened")
    if not reachability["verified"]:
        return f"As far as this node can tell, {got}. No node elsewhere has confirmed it yet."
    by = count(reachability["confirmations"], "node")
    return f"{got[0].upper()}{got[1:]}; {by} elsewhere confirmed it."


def outside(reachability: Mapping[str, Any]) -> str:
    """Return the address from outside, as HTML."""
    address, port = reachability["externalAddress"], reachability["externalPort"]
    if address is None:
        return "not known"
    host = f"[{address}]" if ":" in address else address
    return f"<code>{escape(host if port is None else f'{host}:{port}')}</code>"


def _why(verdict: str) -> str:
    if verdict == CGNAT:
        return "The provider shares one address among many homes."
    if verdict == DOUBLE_NAT:
        return "There are two routers in a row."
    return "Nodes elsewhere cannot connect to this one; it still connects to them."
