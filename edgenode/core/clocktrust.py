"""Whether the wall clock can be trusted: what the time service says, and the clocks of peers."""

from edgenode.core.dialback import network_of

# Networks that must be heard: with three, the middle one is not that of a single liar.
MIN_NETWORKS = 3

# Home machines that somebody keeps are within seconds; one that nobody keeps drifts by minutes in
# a year, and one that lost its time is off by days. Tolerated is what Kerberos tolerates, too.
TOLERANCE_MS = 5 * 60 * 1000

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def agrees(offsets: "Iterable[tuple[str, int]]") -> "bool | None":
    """Tell whether the clock is that of linked peers; None where too few networks are heard.

    `offsets`: of each peer, its address (an IP literal) and by how many ms its clock is ahead.
    However many peers a network has, it has one voice; peers of the own network have none.
    """
    by_network: dict[bytes, list[int]] = {}
    for address, offset_ms in offsets:
        network = network_of(address)
        if network is not None:
            by_network.setdefault(network, []).append(offset_ms)
    if len(by_network) < MIN_NETWORKS:
        return None
    return abs(_middle([_middle(found) for found in by_network.values()])) <= TOLERANCE_MS


def judge(set_by_service: "bool | None", agreed: "bool | None") -> "bool | None":
    """Return whether the clock is to be trusted, None where nothing tells.

    A service can have been given a wrong time, and a clock can be right without one: where enough
    peers are heard (`agreed`), it is their word that counts.
    """
    return set_by_service if agreed is None else agreed


def _middle(values: "list[int]") -> int:
    """Return the median; of two in the middle the one nearer to zero."""
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return low if abs(low) <= abs(high) else high
