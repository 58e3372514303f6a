"""What has been found of other nodes, for people to see."""

from collections.abc import Callable

from edgenode.daemon.peers import iso_time
from edgenode.discover.agenda import Agenda
from edgenode.discover.target import Target


def discovered(
    agenda: Agenda, *, linked: Callable[[str], bool], now: float, wall_ms: int
) -> dict[str, object]:
    """Return `{"discovered": […]}`, linked ones first, then by address; as many as the agenda has.

    `now` is the loop's time, `wall_ms` the wall clock's, of the same moment.
    """
    entries = [
        _entry(target, linked, wall_ms - int(1000 * (now - target.seen))) for target in agenda
    ]
    entries.sort(key=lambda entry: (entry["status"] != "linked", str(entry["address"])))
    return {"discovered": entries}


def ways(agenda: Agenda, node_id: str) -> list[str]:
    """Return how a node was found, in the words of `Sighting.how`; [] where it came by itself."""
    found = [how for target in agenda if target.node_id == node_id for how in target.how]
    return list(dict.fromkeys(found))


def _entry(target: Target, linked: Callable[[str], bool], seen_ms: int) -> dict[str, object]:
    status = "failed" if target.error else "known"
    if target.dialling:
        status = "dialling"
    if target.node_id and linked(target.node_id):
        status = "linked"
    entry: dict[str, object] = {
        "nodeId": target.node_id or None,
        "address": target.host,
        "port": target.port,
        "how": list(target.how),
        "lastSeen": iso_time(seen_ms),
        "status": status,
    }
    if target.error and status != "linked":
        entry["lastError"] = target.error
    return entry
