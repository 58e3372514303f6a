"""Exponential back-off with full jitter, so that nodes cut off together do not come back together.

The delay is drawn evenly from 0 up to a limit that doubles with each failure: "full jitter" of
Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), which needs the fewest
calls of the variants compared there.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Backoff:
    """The delays between the attempts at one thing."""

    __slots__ = ("_ceiling_ms", "_first_ms", "_limit_ms", "_random")

    def __init__(self, first_ms: int, ceiling_ms: int, random: "Callable[[], float]") -> None:
        """Take the limits of the first delay and of any delay; `random` gives floats in [0, 1)."""
        if not 0 < first_ms <= ceiling_ms:
            raise ValueError("a back-off needs 0 < first_ms <= ceiling_ms")
        self._first_ms = first_ms
        self._ceiling_ms = ceiling_ms
        self._random = random
        self._limit_ms = first_ms

    def next_ms(self) -> int:
        """Give the time to wait after one more failure: 1 ms to the limit, both included."""
        limit_ms = self._limit_ms
        self._limit_ms = min(2 * limit_ms, self._ceiling_ms)
        # Never 0, so that whoever waits lets others run.
        return 1 + int(self._random() * limit_ms)

    def reset(self) -> None:
        """Begin again with the first limit, after a success."""
        self._limit_ms = self._first_ms
