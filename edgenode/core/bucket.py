"""A token bucket: a rate with room for bursts."""


class Bucket:
    """Lets `rate_per_s` units through a second on average, and `burst` of them at once."""

    __slots__ = ("_at_ms", "_burst", "_rate_per_s", "_thousandths")

    def __init__(self, rate_per_s: int, burst: int, now_ms: int) -> None:
        """Begin full; `now_ms` is a monotonic reading, like all that come later."""
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._thousandths = burst * 1000  # whole numbers, so that nothing is lost to rounding
        self._at_ms = now_ms

    def take(self, units: int, now_ms: int) -> int:
        """Take `units`, at most `burst`, and return 0; or take none and return the ms to wait."""
        gained = (now_ms - self._at_ms) * self._rate_per_s
        self._thousandths = min(self._burst * 1000, self._thousandths + gained)
        self._at_ms = now_ms
        lacking = units * 1000 - self._thousandths
        if lacking > 0:
            return (lacking + self._rate_per_s - 1) // self._rate_per_s
        self._thousandths -= units * 1000
        return 0
