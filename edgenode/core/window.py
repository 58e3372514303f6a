"""Which signed messages of one sender were taken already: a window over (epoch, seq)."""

# How far messages of one sender may overtake one another, and how many bits are kept for that:
# as in IPsec (RFC 4303, section 3.4.3), and more than a node has requests under way to another.
WINDOW = 64

_MASK = (1 << WINDOW) - 1


class Window:
    """Takes each (epoch, seq) once, and none that is older than the window or of an epoch before.

    Bounded: the highest pair and one bit for each of the 64 numbers up to it.
    """

    __slots__ = ("_epoch", "_seen", "_seq")

    def __init__(self) -> None:
        self._epoch = 0
        self._seq = 0
        self._seen = 0  # bit n: whether `_seq - n` was taken

    def take(self, epoch: int, seq: int) -> bool:
        """Take a pair; False where it was taken before, or where that cannot be told any more."""
        if epoch < self._epoch:
            return False
        if epoch > self._epoch:
            self._epoch, self._seq, self._seen = epoch, seq, 1
            return True
        ahead = seq - self._seq
        if ahead > 0:
            kept = self._seen << ahead if ahead < WINDOW else 0
            self._seq, self._seen = seq, (kept | 1) & _MASK
            return True
        if ahead <= -WINDOW or self._seen >> -ahead & 1:
            return False
        self._seen |= 1 << -ahead
        return True
