"""The clocks of linked peers, as the timestamps of what they send show them."""

from collections.abc import Callable

from edgenode.core.clocktrust import agrees, judge
from edgenode.daemon.watch.process import clock_is_set
from edgenode.link.link import Link
from edgenode.link.table import LinkTable


class PeerClocks:
    """Keeps of each link what its peer's clock showed when the monotonic one showed zero.

    So that it is right after this node's wall clock was set, too. Times are ms; `now_ms` never
    jumps.
    """

    def __init__(
        self, links: LinkTable, *, now_ms: Callable[[], int], wall_ms: Callable[[], int]
    ) -> None:
        self._links = links
        self._now_ms = now_ms
        self._wall_ms = wall_ms

    def heard(self, link: Link, timestamp_ms: int) -> None:
        """Take the timestamp of a message that has just come."""
        link.clock_origin_ms = timestamp_ms - self._now_ms()

    def offset_ms(self, link: Link) -> int | None:
        """Return by how much the peer's clock is ahead; None where it has told nothing yet."""
        origin_ms = link.clock_origin_ms
        return None if origin_ms is None else origin_ms + self._now_ms() - self._wall_ms()

    def trusted(self, set_by_service: Callable[[], bool | None] = clock_is_set) -> bool | None:
        """Tell whether this node's clock is to be trusted, None where nothing tells."""
        offsets = [
            (link.remote_address, offset_ms)
            for link in self._links
            if (offset_ms := self.offset_ms(link)) is not None
        ]
        return judge(set_by_service(), agrees(offsets))
