"""How fast a linked peer may go: what its frames cost, when it is to wait, and when to part.

What was sent is always worked on, since it has come already; then the peer is read no further until
the time that it cost has passed. TCP makes it wait, and nothing is lost.
"""

from edgenode.core.errors import ProtocolError
from edgenode.core.inbound import Chunk
from edgenode.core.syncevents import Batches, NodeStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgenode.core.inbound import Event

# What a frame costs: a small message is the unit. A full chunk of a block is mostly bytes, which
# are asked for: 8,000 of them a second are 1 GB/s, so that no line is too fast for the limit.
MESSAGE = 1
CHUNK = 0.25
BATCH = 0.5  # a signature, and the records under it; on top of the message
HEAD = 0.25  # most are known already, and are not verified again

# A peer on a link may send so many times what an address may ask for: by default 2,000 units a
# second, above what a Pi can work on. Only who sends without looking at the answers meets it.
PEER = 1000
# All links together: four peers at their limit, then each waits for the others.
ALL = 4 * PEER
# What may come at once, as a part of a window: 10,000 units by default, a mesh that greets itself.
BURST_DIVISOR = 12
# A window counts as over the rate when nearly all was sent in it that the rate allows: the peer was
# held back nearly all of the time. After this many in a row the link is ended.
NEARLY_ALL = 0.9
WINDOWS = 3
# A reader pauses no longer at a time, to hear in between that the link is to end.
MAX_PAUSE_MS = 250


def cost_of(record: "Chunk | Event | None") -> float:
    """Return what a record that came over a link costs; None is one of a later version."""
    if isinstance(record, Chunk):
        return CHUNK
    if isinstance(record, Batches):
        return MESSAGE + BATCH * len(record.batches)
    if isinstance(record, NodeStatus):
        return MESSAGE + HEAD * len(record.origins)
    return MESSAGE


class Pace:
    """What one peer, or all of them, may spend; times are monotonic, in ms."""

    __slots__ = ("_at_ms", "_burst", "_credit", "_per_ms")

    def __init__(self, units: float, window_ms: int, now_ms: int) -> None:
        """`units` in each window of `window_ms`."""
        self._per_ms = units / window_ms
        self._burst = units / BURST_DIVISOR
        self._credit = self._burst
        self._at_ms = now_ms

    def spend(self, cost: float, now_ms: int) -> float:
        """Take `cost`, and return the ms until it has been earned: 0 while there is credit.

        No more is owed than a burst: what some have sent together must not slow down others for
        long after they have gone.
        """
        gained = (now_ms - self._at_ms) * self._per_ms
        self._at_ms = now_ms
        self._credit = max(-self._burst, min(self._burst, self._credit + gained) - cost)
        return max(0.0, -self._credit / self._per_ms)


class LinkPace:
    """The pace of one peer over its links."""

    __slots__ = ("_all", "_over", "_own", "_since_ms", "_spent", "_units", "_window_ms")

    def __init__(self, units: float, window_ms: int, all_links: Pace, now_ms: int) -> None:
        """`all_links` is what all links share."""
        self._own = Pace(units, window_ms, now_ms)
        self._all = all_links
        self._window_ms = window_ms
        self._since_ms = now_ms
        self._units = units
        self._spent = 0.0
        self._over = 0

    def pause(self, cost: float, now_ms: int) -> float:
        """Return the ms to wait, at most MAX_PAUSE_MS, before more is read.

        Raises ProtocolError `over-rate` once the peer has had to wait in too many windows.
        """
        ended = (now_ms - self._since_ms) // self._window_ms
        if ended:
            over = self._spent > NEARLY_ALL * self._units and ended == 1
            self._over = self._over + 1 if over else 0
            self._spent = 0.0
            self._since_ms += ended * self._window_ms
            if self._over >= WINDOWS:
                self._over = 0
                raise ProtocolError("over-rate", f"too much for {WINDOWS} windows")
        self._spent += cost
        own_ms, all_ms = self._own.spend(cost, now_ms), self._all.spend(cost, now_ms)
        return min(MAX_PAUSE_MS, max(own_ms, all_ms))
