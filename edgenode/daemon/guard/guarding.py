"""The limits of this node, joined: the gate, the blacklist, and the pace of each link."""

from collections.abc import Callable, Sequence

from edgenode.core.ip import kind
from edgenode.core.linkpace import ALL, PEER, LinkPace, Pace
from edgenode.daemon.clock import monotonic_ms
from edgenode.daemon.config.sections import RateLimitConfig
from edgenode.daemon.guard.gate import VIOLATIONS, Gate, pack
from edgenode.daemon.guard.onlink import OnLink
from edgenode.daemon.guard.shutting import Shutting
from edgenode.link.keep import StaticPeer
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.store.blacklist import BlacklistTable
from edgenode.store.database import Database

# The paces of peers that are linked, and of some that were: coming back brings no new credit.
MAX_PACES = 128

# Whatever the interfaces say. Not 100.64.0.0/10: those are the provider's other customers.
NEAR_KINDS = ("loopback", "private", "link-local", "ula")


class Guarding:
    """What keeps callers and peers within their limits."""

    def __init__(
        self,
        *,
        limits: RateLimitConfig,
        static: Sequence[StaticPeer],
        links: LinkTable,
        on_link: OnLink,
        database: Database,
        wall_ms: Callable[[], int],
    ) -> None:
        self._static = static
        self._configured = {
            packed for peer in self._static if (packed := pack(peer.address)) is not None
        }
        self._links = links
        self._on_link = on_link
        self.gate = Gate(
            limits, is_near=self._is_near, is_static=self._is_static, now_ms=monotonic_ms
        )
        self.shutting = Shutting(
            self.gate, BlacklistTable(database), links, now_ms=monotonic_ms, wall_ms=wall_ms
        )
        self._units = PEER * limits.max_requests
        self._window_ms = limits.window
        self._all_links = Pace(ALL * limits.max_requests, limits.window, monotonic_ms())
        self._paces: dict[str, LinkPace] = {}

    def pace(self, node_id: str) -> Callable[[float], float]:
        """Return what takes a cost of the peer and gives the seconds to wait, for its new link.

        It raises ProtocolError `over-rate`.
        """
        found = self._paces.pop(node_id, None)
        if found is None:
            found = LinkPace(self._units, self._window_ms, self._all_links, monotonic_ms())
            for gone in [id_ for id_ in self._paces if self._links.get(id_) is None]:
                if len(self._paces) < MAX_PACES:
                    break
                del self._paces[gone]
        self._paces[node_id] = found
        return lambda cost: found.pause(cost, monotonic_ms()) / 1000

    def judge(self, link: Link, address: str) -> None:
        """Shut out the `address` of a link that this node has ended for a violation."""
        reason = link.ended_by_us
        if reason in VIOLATIONS and link.node_id not in {peer.node_id for peer in self._static}:
            self.gate.violated(address, reason)

    def _is_near(self, address: bytes) -> bool:
        return kind(address) in NEAR_KINDS or self._on_link.network_of(address) is not None

    def _is_static(self, address: bytes) -> bool:
        if address in self._configured:
            return True
        static = [link for peer in self._static if (link := self._links.get(peer.node_id))]
        return any(pack(link.remote_address) == address for link in static)
