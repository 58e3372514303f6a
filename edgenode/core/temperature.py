"""How hot a block is here, from its accesses: counts in sliding windows, in constant memory."""

import struct
from array import array

from edgenode.core.records import TEMPERATURES

_MINUTE_MS = 60 * 1000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS

# A window is counted in SLOTS equal slots of time and the one that has begun: never less than what
# the window really has, and no more than a window longer by a sixth. 84 bytes a block.
SLOTS = 6
_RING = SLOTS + 1

HOUR, DAY, WEEK, MONTH, QUARTER, YEAR = range(6)
WINDOWS_MS = (
    _HOUR_MS,
    _DAY_MS,
    7 * _DAY_MS,
    30 * _DAY_MS,
    90 * _DAY_MS,
    360 * _DAY_MS,  # four quarters, which six slots divide into days
)
_SLOTS_MS = tuple(window_ms // SLOTS for window_ms in WINDOWS_MS)

# Far above every threshold; a slot takes 2 bytes, and stays there.
MAX_SLOT_COUNT = 2**16 - 1

# More accesses than this in the window make a class, hottest first. COOL has two: who is asked for
# 8 times a month is so 24 times a quarter, more than COLD may.
THRESHOLDS = (
    ("VIRAL", HOUR, 1000),
    ("HOT", DAY, 100),
    ("WARM", WEEK, 50),
    ("COOL", MONTH, 10),
    ("COOL", QUARTER, 20),
    ("COLD", YEAR, 0),
)

# A class is left when its count is no more than half of what makes it, so that a rate near a
# threshold does not tell the network the one class and the other in turns.
KEEP_DIVISOR = 2

# Nor is a class left for a colder one sooner than this. A hotter one is told at once: so a block
# falls at most once an hour, and rises at most five times in between.
MIN_DWELL_MS = _HOUR_MS

# accesses, their clock at the latest one, that clock when it was packed, the slots.
_PACKED = "<QQQ" + str(len(WINDOWS_MS) * _RING) + "H"
PACKED_BYTES = struct.calcsize(_PACKED)


class Heat:
    """The accesses of one block.

    All times are ms of the caller's monotonic clock; one that goes back counts as standing still.
    """

    __slots__ = ("_ahead_ms", "_last_ms", "_slots", "accesses")

    def __init__(self) -> None:
        self.accesses = 0
        # The time of the latest access, on the clock of this block: the caller's, `_ahead_ms` on.
        self._last_ms = 0
        self._ahead_ms = 0
        self._slots: array[int] = array("H", bytes(2 * len(WINDOWS_MS) * _RING))

    def touch(self, now_ms: int) -> None:
        """Count one access."""
        self._move_to(now_ms)
        for window, slot_ms in enumerate(_SLOTS_MS):
            at = window * _RING + self._last_ms // slot_ms % _RING
            if self._slots[at] < MAX_SLOT_COUNT:
                self._slots[at] += 1
        self.accesses += 1

    def idle_ms(self, now_ms: int) -> "int | None":
        """Return the time since the latest access, None where there was none."""
        if not self.accesses:
            return None
        return max(0, now_ms + self._ahead_ms - self._last_ms)

    def count(self, window: int, now_ms: int) -> int:
        """Return the accesses in a window, HOUR to YEAR, as exactly as SLOTS allow."""
        slot_ms = _SLOTS_MS[window]
        last = self._last_ms // slot_ms
        passed = max(0, (now_ms + self._ahead_ms) // slot_ms - last)
        total = 0
        for back in range(_RING - passed):
            total += self._slots[window * _RING + (last - back) % _RING]
        return total

    def class_at(self, now_ms: int, current: "str | None", since_ms: int) -> "tuple[str, int]":
        """Return the class and since when the block has it, given the one it had and since when.

        `current` None: it had none.
        """
        made = self._class_above(now_ms, 1)
        if current is None:
            return made, now_ms
        if made == current:
            return current, since_ms
        if TEMPERATURES.index(made) < TEMPERATURES.index(current):
            if now_ms - since_ms < MIN_DWELL_MS:
                return current, since_ms
            kept = self._class_above(now_ms, KEEP_DIVISOR)
            if TEMPERATURES.index(kept) >= TEMPERATURES.index(current):
                return current, since_ms
        return made, now_ms

    def to_bytes(self, now_ms: int) -> bytes:
        """Return what `from_bytes` takes, PACKED_BYTES long."""
        clock_ms = max(self._last_ms, now_ms + self._ahead_ms)
        return struct.pack(_PACKED, self.accesses, self._last_ms, clock_ms, *self._slots)

    def _class_above(self, now_ms: int, divisor: int) -> str:
        """Return the hottest class with more accesses than its threshold divided by `divisor`."""
        for class_, window, threshold in THRESHOLDS:
            if self.count(window, now_ms) > threshold // divisor:
                return class_
        return TEMPERATURES[0]

    def _move_to(self, now_ms: int) -> None:
        """Empty the slots that have begun since the latest access, to count one at `now_ms`."""
        clock_ms = max(self._last_ms, now_ms + self._ahead_ms)
        for window, slot_ms in enumerate(_SLOTS_MS):
            last = self._last_ms // slot_ms
            for step in range(min(_RING, clock_ms // slot_ms - last)):
                self._slots[window * _RING + (last + 1 + step) % _RING] = 0
        self._last_ms = clock_ms


def from_bytes(packed: bytes, now_ms: int, away_ms: int) -> Heat:
    """Return what was packed `away_ms` ago (0 where nobody knows), on a clock that shows `now_ms`.

    The two clocks need not have begun together. Raises ValueError for bytes of another form.
    """
    if len(packed) != PACKED_BYTES:
        raise ValueError(f"{len(packed)} bytes of accesses, not {PACKED_BYTES}")
    accesses, last_ms, clock_ms, *slots = struct.unpack(_PACKED, packed)
    heat = Heat()
    heat.accesses = accesses
    heat._last_ms = last_ms
    heat._ahead_ms = clock_ms + away_ms - now_ms
    for index, count in enumerate(slots):
        heat._slots[index] = count
    return heat
