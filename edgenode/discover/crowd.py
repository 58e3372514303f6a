"""Who must go when there are too many: nobody crowds out the others from one address."""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import TypeVar

from edgenode.core.bucket import Bucket

Key = TypeVar("Key", bound=Hashable)

MAX_SENDERS = 256
"""As many neighbours as are kept; beyond, the one that was silent longest begins anew."""


def one_too_many(groups: Mapping[Key, str]) -> Key:
    """Return the key of the youngest of the largest group.

    `groups`: of each key, from the oldest on, the group that it belongs to; not empty. Where all
    groups are of one size, the youngest of all must go.
    """
    counts = Counter(groups.values())
    largest = max(counts.values())
    return next(key for key in reversed(list(groups)) if counts[groups[key]] == largest)


class Budget:
    """How many datagrams are looked at: of one sender, and of all of them."""

    def __init__(self, *, rate_per_s: int, burst: int, sender_rate_per_s: int, sender_burst: int):
        self._all: Bucket | None = None
        self._rate = (rate_per_s, burst)
        self._sender_rate = (sender_rate_per_s, sender_burst)
        self._senders: dict[str, Bucket] = {}

    def admits(self, sender: str, now_ms: int) -> bool:
        """Take one datagram of a sender from the budget; False where there is none left."""
        if self._all is None:
            self._all = Bucket(*self._rate, now_ms)
        bucket = self._senders.pop(sender, None)
        if bucket is None:
            bucket = Bucket(*self._sender_rate, now_ms)
            if len(self._senders) >= MAX_SENDERS:
                del self._senders[next(iter(self._senders))]
        self._senders[sender] = bucket  # the last heard of is the last
        return bucket.take(1, now_ms) == 0 and self._all.take(1, now_ms) == 0
