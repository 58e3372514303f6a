"""Whether the node can be reached, in words; a node of an earlier version does not say."""

from typing import Any

from edgenode.cli.reading import maybe
from edgenode.core.reachability import IPV6_ONLY, REACHABLE, UNKNOWN


def reach_words(status: dict[str, Any]) -> tuple[str, str, str]:
    """Return what is so, its colour, and what to do about it ("" where there is nothing)."""
    found = status.get("reachability")
    if not isinstance(found, dict):
        return "not told", "yellow", ""
    verdict, advice = maybe(found, "verdict"), maybe(found, "advice")
    if verdict == UNKNOWN:
        return "not known yet", "yellow", ""
    if verdict not in REACHABLE:
        return f"no ({verdict})", "yellow", "" if advice == "-" else advice
    words = "yes, by IPv6 alone" if verdict == IPV6_ONLY else "yes"
    if found.get("method"):
        words += f", by {maybe(found, 'method')}"
    address, port = maybe(found, "externalAddress"), found.get("externalPort")
    if address != "-" and isinstance(port, int):
        words += f", at [{address}]:{port}" if ":" in address else f", at {address}:{port}"
    if found.get("verified") is not True:
        words += ", not confirmed"
    return words, "green", ""
