"""Whether nodes elsewhere can connect to this one, as the running node knows it."""

from typing import Any

from edgenode.cli.doctor.check import OK, WARNING, Check
from edgenode.cli.reading import maybe
from edgenode.core.reachability import REACHABLE, UNKNOWN

NAME = "reachability"


def check_reachability(reachability: dict[str, Any]) -> Check:
    """Turn the node's verdict into a finding; `reachability` is that of its NodeMetrics."""
    verdict, advice = maybe(reachability, "verdict"), maybe(reachability, "advice")
    if verdict == UNKNOWN:
        return Check(NAME, WARNING, "not known yet", advice)
    if verdict not in REACHABLE:
        return Check(NAME, WARNING, f"not reachable from other networks ({verdict})", advice)
    what = verdict
    if reachability.get("method"):
        what += f" by {maybe(reachability, 'method')}"
    address, port = maybe(reachability, "externalAddress"), reachability.get("externalPort")
    if address != "-" and isinstance(port, int):
        what += f" at [{address}]:{port}" if ":" in address else f" at {address}:{port}"
    if reachability.get("verified") is not True:
        return Check(NAME, OK, what + ", not confirmed yet by a node on another network")
    count = reachability.get("confirmations")
    nodes = "1 node" if count == 1 else f"{count} nodes"
    return Check(NAME, OK, f"{what}, confirmed by {nodes}")
