"""Who may have a link, and whose ends for it: neighbours apart, the rest by their networks.

What an attacker cannot easily be better at is protected: being near, having been linked long,
having been of use, and coming from many networks. Of the rest the largest network gives way.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PROTECTED = 4
"""Links that are safe by each measure."""


class LinkView:
    """What is known of one link; `round_trip_s` None where it was not measured."""

    __slots__ = ("group", "inbound", "kept", "node_id", "round_trip_s", "since", "useful")

    def __init__(
        self,
        node_id: str,
        *,
        inbound: bool,
        kept: bool,
        group: bytes,
        round_trip_s: "float | None",
        since: float,
        useful: int,
    ) -> None:
        """`kept`: of a neighbour or a static peer. `group`: its address then, else its network.

        `since`: when it began, in monotonic time. `useful`: bytes of blocks that came by it.
        """
        self.node_id = node_id
        self.inbound = inbound
        self.kept = kept
        self.group = group
        self.round_trip_s = round_trip_s
        self.since = since
        self.useful = useful


class Caps:
    """How many links there may be: `links` beside those of neighbours and static peers."""

    __slots__ = ("inbound", "kept", "links")

    def __init__(self, *, links: int, inbound: int, kept: int) -> None:
        self.links = links
        self.inbound = inbound
        self.kept = kept


def admits(links: "Sequence[LinkView]", new: LinkView, caps: Caps) -> bool:
    """Tell whether `new` fits beside the others."""
    if new.kept:
        return sum([link.kept for link in links]) < caps.kept
    others = [link for link in links if not link.kept]
    if len(others) >= caps.links:
        return False
    return not new.inbound or sum([link.inbound for link in others]) < caps.inbound


def to_displace(
    links: "Sequence[LinkView]", new: LinkView, caps: Caps, salt: int
) -> "LinkView | None":
    """Return the link that ends so that `new` fits, None where `new` has to go.

    Only those that peers have dialled give way, and only to another one; of neighbours, whoever
    dialled, those of the group with most links, to one of a smaller group. `salt` is this node's
    own, so that nobody can choose to be in a network that is protected.
    """
    if new.kept:
        return _of_crowd([link for link in links if link.kept], new)
    if not new.inbound:
        return None
    inbound = [link for link in links if link.inbound and not link.kept]
    if len(inbound) < caps.inbound:  # it is the outbound ones that are too many
        return None
    safe = _protected(inbound, salt)
    free = [link for link in inbound if link.node_id not in safe]
    if not free:
        return None
    sizes = _count([link.group for link in inbound])
    largest = max([sizes[link.group] for link in free])
    youngest = None
    for link in free:
        if sizes[link.group] == largest and (youngest is None or link.since > youngest.since):
            youngest = link
    return youngest


def _of_crowd(links: "Sequence[LinkView]", new: LinkView) -> "LinkView | None":
    """Return the youngest of the largest group, None where that of `new` would be as large."""
    sizes = _count([link.group for link in links])
    largest = max(sizes.values()) if sizes else 0
    if sizes.get(new.group, 0) + 1 >= largest:
        return None
    crowd = [link for link in links if sizes[link.group] == largest]
    return max(crowd, key=lambda link: (link.since, link.node_id))


def _protected(links: "Sequence[LinkView]", salt: int) -> "set[str]":
    """Return the nodeIds of the links that are safe."""
    safe: set[str] = set()

    def protect(ordered: "list[LinkView]") -> None:
        for link in ordered[:PROTECTED]:
            safe.add(link.node_id)

    measured = [link for link in links if link.round_trip_s is not None]
    protect(sorted(measured, key=lambda link: (link.round_trip_s, link.since, link.node_id)))
    protect(sorted(links, key=lambda link: (link.since, link.node_id)))
    used = [link for link in links if link.useful]
    protect(sorted(used, key=lambda link: (-link.useful, link.since, link.node_id)))
    oldest = {}  # by group
    for link in sorted(links, key=lambda link: (-link.since, link.node_id)):
        oldest[link.group] = link
    protect(sorted(oldest.values(), key=lambda link: (_mixed(link.group, salt), link.group)))
    return safe


def _count(groups: "list[bytes]") -> "dict[bytes, int]":
    counts: dict[bytes, int] = {}
    for group in groups:
        counts[group] = counts.get(group, 0) + 1
    return counts


def _mixed(group: bytes, salt: int) -> int:
    """Order groups by a number that depends on `salt` in all its bits (FNV-1a, 64 bits)."""
    mixed = (0xCBF29CE484222325 ^ salt) & 0xFFFFFFFFFFFFFFFF
    for byte in group:
        mixed = ((mixed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return mixed
