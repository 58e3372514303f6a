"""What this node knows of its peers: who is linked now, and who was."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from edgenode.core.events import Announce
from edgenode.link.keep import StaticPeer
from edgenode.link.link import Link
from edgenode.link.table import LinkTable

# Peers that are remembered after their link ended, for people to see; the oldest goes first.
MAX_REMEMBERED = 256


class _Known:
    __slots__ = ("address", "announce", "announced", "last_seen_ms", "linked_ms", "port")

    def __init__(self, link: Link) -> None:
        self.address = link.address
        self.port = link.port if link.dialled else None
        self.announce: Announce | None = None
        self.announced = False  # over this link
        self.last_seen_ms = 0
        self.linked_ms = 0


class Peers:
    """PeerInfo of the linked, the remembered and the configured peers."""

    def __init__(
        self,
        links: LinkTable,
        static: Sequence[StaticPeer],
        wall_ms: Callable[[], int],
        clock_offset_ms: Callable[[Link], int | None],
    ) -> None:
        """`clock_offset_ms(link)`: by how much the peer's clock is ahead, None for not known."""
        self._links = links
        self._static = static
        self._wall_ms = wall_ms
        self._clock_offset_ms = clock_offset_ms
        self.ways: Callable[[str], list[str]] = lambda _: []
        """How a peer was found; set once that is known."""
        self._known: dict[str, _Known] = {}

    def on_linked(self, link: Link) -> None:
        """Remember the peer of a new link."""
        known = _Known(link)
        known.last_seen_ms = known.linked_ms = self._wall_ms()
        earlier = self._known.pop(link.node_id, None)
        if earlier is not None:
            known.announce = earlier.announce
        self._known[link.node_id] = known
        for node_id in list(self._known)[: max(0, len(self._known) - MAX_REMEMBERED)]:
            if self._links.get(node_id) is None:
                del self._known[node_id]

    def on_announce(self, node_id: str, announce: Announce) -> bool:
        """Keep what a peer says of itself; tell whether it is more than what its link has said."""
        known = self._known.get(node_id)
        if known is None:
            return True
        earlier = known.announce if known.announced else None
        known.announce, known.announced = announce, True
        return earlier is None or earlier.to_data() != announce.to_data()

    def on_lost(self, node_id: str) -> None:
        """Note when a peer was there last."""
        if node_id in self._known:
            self._known[node_id].last_seen_ms = self._wall_ms()

    def region(self, node_id: str) -> str:
        """Return the region that a peer has announced, "" where it is not known."""
        known = self._known.get(node_id)
        return known.announce.region if known is not None and known.announce is not None else ""

    def ws_port(self, node_id: str) -> int | None:
        """Return the peer port that a peer has announced."""
        known = self._known.get(node_id)
        return known.announce.ws_port if known is not None and known.announce is not None else None

    def to_json(self) -> dict[str, object]:
        """Return `{"peers": [PeerInfo …]}`: linked ones first, then by address."""
        infos = [self._info(node_id) for node_id in self._known]
        known_ids = set(self._known)
        infos += [_unlinked(peer) for peer in self._static if peer.node_id not in known_ids]
        infos.sort(key=lambda info: (info["status"] != "connected", str(info["address"])))
        return {"peers": infos}

    def _info(self, node_id: str) -> dict[str, object]:
        known = self._known[node_id]
        announce = known.announce
        link = self._links.get(node_id)
        last_seen_ms = known.last_seen_ms
        static = next((peer for peer in self._static if peer.node_id == node_id), None)
        status = "connecting" if static else "disconnected"
        if link is not None:
            status = "connected"
            last_seen_ms = self._wall_ms() - int(link.silent_for_s() * 1000)
        info: dict[str, object] = {
            "nodeId": node_id,
            "address": known.address,
            "httpPort": announce.http_port if announce else None,
            "wsPort": announce.ws_port if announce else known.port,
            "lastSeen": iso_time(last_seen_ms),
            "capabilities": announce.capabilities if announce else [],
            "status": status,
            "region": (announce.region or None) if announce else None,
        }
        info["how"] = self.ways(node_id)
        if link is not None:
            round_trip_s = link.round_trip_s()
            # A zone is this host's affair, and no part of an address that others know.
            info["remoteAddress"] = link.remote_address.partition("%")[0]
            info["clockOffset"] = self._clock_offset_ms(link)
            info["direction"] = "outbound" if link.dialled else "inbound"
            info["since"] = iso_time(known.linked_ms)
            info["roundTrip"] = None if round_trip_s is None else round(1000 * round_trip_s, 1)
        if link is None and static is not None and static.last_error:
            info["lastError"] = static.last_error
        return info


def iso_time(wall_ms: int) -> str:
    """Return ms since 1970 as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(wall_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{wall_ms % 1000:03d}Z"


def _unlinked(peer: StaticPeer) -> dict[str, object]:
    info: dict[str, object] = {
        "nodeId": peer.node_id or None,
        "address": peer.address,
        "httpPort": None,
        "wsPort": peer.port,
        "lastSeen": None,
        "capabilities": [],
        "status": "connecting",
        "region": None,
    }
    if peer.last_error:
        info["lastError"] = peer.last_error
    return info
