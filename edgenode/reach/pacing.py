"""How often hints may have us ask a gateway, whoever sends them and however many."""

# A router that comes back sends ten announces in two seconds, which are one hint; a second and a
# third reboot are answered as soon.
BURST = 4.0
# In the long run: twice a minute, so that a link that dies has its verification within 30 s.
REFILL_S = 30.0


class HintBudget:
    """A bucket of BURST verifications, one more each REFILL_S; times of one monotonic clock."""

    __slots__ = ("_at_s", "_tokens")

    def __init__(self, now_s: float) -> None:
        self._tokens = BURST
        self._at_s = now_s

    def take(self, now_s: float) -> float:
        """Take one; return the seconds to wait for it, 0 to REFILL_S.

        The caller takes no other before that time is over.
        """
        self._tokens = min(BURST, self._tokens + (now_s - self._at_s) / REFILL_S) - 1
        self._at_s = now_s
        return max(0.0, -self._tokens * REFILL_S)
