"""The live links, one for each peer, and who may have one."""

import logging
from collections.abc import Iterator

from edgenode.core.linkchoice import PROBE, REPLACE, after_probe, choose, dialled_by_lower
from edgenode.link.link import Link

# As many as a home router's connection table and 24 kB a link allow.
MAX_LINKS = 48
MAX_INBOUND = 32

# How long an old link may take to show that it is alive when another one wants its place, and
# how lately it must have been heard to be so without being asked.
PROBE_TIMEOUT_S = 3.0
FRESH_S = 3.0

log = logging.getLogger(__name__)


class LinkTable:
    """Live links by nodeId: at most `max_links`, of which `max_inbound` were dialled by peers."""

    def __init__(
        self, own_id: str, *, max_links: int = MAX_LINKS, max_inbound: int = MAX_INBOUND
    ) -> None:
        self._own_id = own_id
        self._max_links = max_links
        self._max_inbound = max_inbound
        self._links: dict[str, Link] = {}
        self._closed = False

    def __iter__(self) -> Iterator[Link]:
        return iter(list(self._links.values()))

    def __len__(self) -> int:
        return len(self._links)

    def get(self, node_id: str) -> Link | None:
        """Return the live link to `node_id`."""
        return self._links.get(node_id)

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
        inbound = sum(not other.dialled for other in self._links.values())
        full = len(self._links) >= self._max_links
        if full or (not link.dialled and inbound >= self._max_inbound):
            return "busy"
        self._links[link.node_id] = link
        return None
