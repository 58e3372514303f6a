"""The live links, one for each peer, and who may have one."""

import logging
from collections.abc import Callable, Iterator

from edgenode.core.dialback import network_of
from edgenode.core.linkchoice import PROBE, REPLACE, after_probe, choose, dialled_by_lower
from edgenode.core.linkpolicy import Caps, LinkView, admits, to_displace
from edgenode.crypto import random_bytes
from edgenode.link.link import Link

# As many as a home router's connection table and 24 kB a link allow.
MAX_LINKS = 48
MAX_INBOUND = 32

# Beside these: neighbours, whose links no router sees, and static peers. A full mesh of neighbours
# fits.
MAX_NEAR = 40

# How long an old link may take to show that it is alive when another one wants its place, and
# how lately it must have been heard to be so without being asked.
PROBE_TIMEOUT_S = 3.0
FRESH_S = 3.0

log = logging.getLogger(__name__)


class LinkTable:
    """Live links by nodeId: at most `max_links`, of which `max_inbound` were dialled by peers.

    Those of neighbours and static peers are counted apart: at most `max_near`.
    """

    def __init__(
        self,
        own_id: str,
        *,
        max_links: int = MAX_LINKS,
        max_inbound: int = MAX_INBOUND,
        max_near: int = MAX_NEAR,
        is_near: Callable[[str], bool] = lambda _: False,
        is_static: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`is_near` tells of an IP literal on our own networks, `is_static` of a nodeId."""
        self._own_id = own_id
        self._caps = Caps(links=max_links, inbound=max_inbound, kept=max_near)
        self._is_near = is_near
        self._is_static = is_static
        # Secret, as it ranks networks: an identity costs nothing, so a nodeId would not do.
        self._salt = int.from_bytes(random_bytes(8), "big")
        self._links: dict[str, Link] = {}
        self._closed = False

    def __iter__(self) -> Iterator[Link]:
        return iter(list(self._links.values()))

    def __len__(self) -> int:
        return len(self._links)

    @property
    def max_near(self) -> int:
        """How many neighbours and static peers can be linked."""
        return self._caps.kept

    def get(self, node_id: str) -> Link | None:
        """Return the live link to `node_id`."""
        return self._links.get(node_id)

    def has_address(self, address: str) -> bool:
        """Tell whether a peer is linked from, or at, this IP literal."""
        return any(link.address == address for link in self._links.values())

    def close(self) -> None:
        """Admit nobody any more."""
        self._closed = True

    async def admit(self, new: Link) -> str | None:
        """Give `new` its place; return None, or the reason for which it must be closed."""
        old = self._links.get(new.node_id)
        if old is None:
            return self._admit_new(new)
        same_instance = old.peer.instance == new.peer.instance
        decision = choose(
            same_instance=same_instance,
            same_direction=old.dialled == new.dialled,
            new_by_lower=dialled_by_lower(self._own_id, new.node_id, new.dialled),
            old_is_fresh=old.silent_for_s() < FRESH_S,
        )
        clone = False
        if decision == PROBE:
            alive = await old.probe(PROBE_TIMEOUT_S)
            decision, clone = after_probe(same_instance=same_instance, old_alive=alive)
        if clone:
            log.warning(
                "two live processes show the identity %s: a cloned card? (%s and %s)",
                new.node_id,
                old.address,
                new.address,
                extra={"event": "clone", "peer": new.node_id},
            )
        if self._links.get(new.node_id) is not old:
            return await self.admit(new)  # the table changed while the old link was probed
        if decision == REPLACE:
            self.remove(old)
            old.close("duplicate")
            return self._admit_new(new)
        return "clone" if clone else "duplicate"

    def remove(self, link: Link) -> bool:
        """Forget `link`; return False where another one had taken its place already."""
        if self._links.get(link.node_id) is not link:
            return False
        del self._links[link.node_id]
        return True

    def _admit_new(self, link: Link) -> str | None:
        if self._closed:
            return "bye"
        views = [self._view(other) for other in self._links.values() if not other.is_ending]
        new = self._view(link)
        if not admits(views, new, self._caps):
            displaced = to_displace(views, new, self._caps, self._salt)
            if displaced is None:
                return "busy"
            # It leaves the table when it has ended, as every link does.
            self._links[displaced.node_id].close("busy")
        self._links[link.node_id] = link
        return None

    def _view(self, link: Link) -> LinkView:
        remote = link.remote_address
        kept = self._is_static(link.node_id) or self._is_near(remote)
        return LinkView(
            link.node_id,
            inbound=not link.dialled,
            kept=kept,
            group=remote.encode() if kept else network_of(remote) or b"",
            round_trip_s=link.round_trip_s(),
            since=link.since,
            useful=link.useful_bytes,
        )
