"""The epoch rules of RFC 6886 section 3.6 and RFC 6887 section 8.5, at their edges."""

from edgenode.core.epoch import lost_by_nat_pmp, lost_by_pcp

HOUR_MS = 3600 * 1000


def test_nat_pmp() -> None:
    for before_s, after_s, elapsed_ms, lost in (
        (1000, 1010, 10_000, False),
        (1000, 5, 10_000, True),
        (0, 0, 0, False),
        # A clock slower by an eighth, and two seconds.
        (1000, 1000 + 3148, HOUR_MS, False),
        (1000, 1000 + 3147, HOUR_MS, True),
        (1000, 998, 0, False),
        (1000, 997, 0, True),
        # Faster is no sign of a loss.
        (1000, 9000, 10_000, False),
    ):
        assert lost_by_nat_pmp(before_s, after_s, elapsed_ms) == lost, (before_s, after_s)


def test_pcp() -> None:
    for before_s, after_s, elapsed_ms, lost in (
        (1000, 1010, 10_000, False),
        (0, 0, 0, False),
        # Answers that overtake each other.
        (1000, 999, 0, False),
        (1000, 998, 0, True),
        (1000, 5, 10_000, True),
        # A clock slower by a sixteenth, and two seconds; the same rounded down to a second.
        (1000, 1000 + 3373, HOUR_MS, False),
        (1000, 1000 + 3372, HOUR_MS, True),
        # One faster by as much.
        (1000, 1000 + 3842, HOUR_MS, False),
        (1000, 1000 + 3843, HOUR_MS, True),
        # Began anew long ago, and has counted further than before by now.
        (10, 3000, HOUR_MS, True),
    ):
        assert lost_by_pcp(before_s, after_s, elapsed_ms) == lost, (before_s, after_s)
