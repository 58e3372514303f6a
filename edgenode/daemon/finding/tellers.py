"""How much each peer may tell of addresses, and how much of them it may be told."""

from collections.abc import Callable

from edgenode.core.bucket import Bucket
from edgenode.core.events import MAX_ADVERTISEMENTS
from edgenode.core.ip import IPV4_BYTES, from_mapped, parse_ip

# One address in ten seconds, and a message full of them at once: a node that is new says in one
# message what it knows, and in a network at rest nobody has more to say than this.
S_PER_ADDRESS = 10
BURST = MAX_ADVERTISEMENTS

# Networks of which it is remembered how much they have told; a new one displaces the one that
# told last the longest ago. Those of all links, five times over.
MAX_TELLERS = 256

# Dropped in a row, as three bursts: a peer that keeps to the limit is never that far above it.
MAX_EXCESS = 3 * BURST

_IPV6_HOME_BYTES = 8


class _Teller:
    __slots__ = ("bucket", "excess")

    def __init__(self, now_ms: int) -> None:
        self.bucket = _bucket(now_ms)
        self.excess = 0


class Tellers:
    """Counts addresses heard, by whence they come, and told, by nodeId; `now_ms()` monotonic.

    By the address and not by the node, whose id costs nothing: a new link, or a new identity, is
    no new right to tell. But a peer is at fault only for what it tells itself over its link: many
    honest ones may share an address.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._heard: dict[bytes, Bucket] = {}
        self._tellers: dict[str, _Teller] = {}
        self._told: dict[str, Bucket] = {}

    def hear(self, address: str) -> bool:
        """Count one that comes from `address`, an IP literal; False where it is to be dropped."""
        home = _home(address)
        bucket = self._heard.pop(home, None) or _bucket(self._now_ms())
        self._heard[home] = bucket
        if len(self._heard) > MAX_TELLERS:
            del self._heard[next(iter(self._heard))]
        return not bucket.take(S_PER_ADDRESS, self._now_ms())

    def exceeds(self, node_id: str, count: int) -> bool:
        """Count what a linked peer has told; tell whether it is far too much, and begin anew."""
        teller = self._tellers.setdefault(node_id, _Teller(self._now_ms()))
        for _ in range(count):
            if teller.bucket.take(S_PER_ADDRESS, self._now_ms()):
                teller.excess += 1
            else:
                teller.excess = max(0, teller.excess - 1)
        if teller.excess <= MAX_EXCESS:
            return False
        teller.excess = 0
        return True

    def tell(self, node_id: str, count: int) -> bool:
        """Count what a peer is told; False where it is too much, and nothing was counted."""
        bucket = self._told.get(node_id)
        if bucket is None:
            bucket = self._told[node_id] = _bucket(self._now_ms())
        return bucket.take(count * S_PER_ADDRESS, self._now_ms()) == 0

    def forget(self, node_id: str) -> None:
        """A peer has gone."""
        self._told.pop(node_id, None)
        self._tellers.pop(node_id, None)


def _bucket(now_ms: int) -> Bucket:
    return Bucket(1, BURST * S_PER_ADDRESS, now_ms)


def _home(address: str) -> bytes:
    """Return what one subscriber has: an IPv4 address, or the /64 of an IPv6 one."""
    packed = from_mapped(parse_ip(address) or b"")
    return packed if len(packed) <= IPV4_BYTES else packed[:_IPV6_HOME_BYTES]
