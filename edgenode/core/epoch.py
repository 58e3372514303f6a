"""Whether a gateway has lost its mappings, by the seconds that it counts since its table began.

Both rules compare two readings of that count with the time between them by our own clock, which
may stand still while a machine sleeps: that looks like a loss too, and asking again does no harm.
"""

# RFC 6886 section 3.6 and RFC 6887 section 8.5: for answers that were under way for a while.
_LENIENCE_MS = 2000


def lost_by_nat_pmp(before_s: int, after_s: int, elapsed_ms: int) -> bool:
    """Tell whether the table began anew between two readings (RFC 6886 section 3.6).

    It did when the later one falls short of what a clock slower by an eighth would show.
    """
    return after_s * 1000 < before_s * 1000 + elapsed_ms * 7 // 8 - _LENIENCE_MS


def lost_by_pcp(before_s: int, after_s: int, elapsed_ms: int) -> bool:
    """Tell whether the table began anew between two readings (RFC 6887 section 8.5).

    It did when the count went back by more than a second, for which answers that overtake each
    other are enough, or when the two clocks differ by more than a sixteenth, either way.
    """
    if after_s < before_s - 1:
        return True
    counted_ms = (after_s - before_s) * 1000
    return (
        elapsed_ms + _LENIENCE_MS < counted_ms - counted_ms // 16
        or counted_ms + _LENIENCE_MS < elapsed_ms - elapsed_ms // 16
    )
