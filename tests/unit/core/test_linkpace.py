from edgenode.core.errors import ProtocolError
from edgenode.core.inbound import Chunk, Ping
from edgenode.core.linkpace import (
    ALL,
    BURST_DIVISOR,
    CHUNK,
    MAX_PAUSE_MS,
    MESSAGE,
    PEER,
    WINDOWS,
    LinkPace,
    Pace,
    cost_of,
)

WINDOW_MS = 60_000
UNITS = PEER * 120  # as it is set by default
PER_S = UNITS * 1000 // WINDOW_MS


def link(units: float = UNITS, all_units: float = ALL * 120) -> LinkPace:
    return LinkPace(units, WINDOW_MS, Pace(all_units, WINDOW_MS, 0), 0)


def test_what_frames_cost() -> None:
    assert cost_of(Ping(1)) == MESSAGE
    assert cost_of(None) == MESSAGE
    assert cost_of(Chunk(1, 0, b"x")) == CHUNK


def test_a_burst_and_then_the_rate() -> None:
    pace = Pace(UNITS, WINDOW_MS, 0)
    assert pace.spend(UNITS / BURST_DIVISOR, 0) == 0
    assert pace.spend(PER_S, 0) == 1000
    assert pace.spend(0, 1000) == 0


def test_blocks_at_a_gigabyte_a_second_do_not_wait() -> None:
    pace = link()
    for piece in range(40_000):  # of 128 KiB, for 5 s
        assert pace.pause(CHUNK, piece // 8) == 0


def test_1000_signed_batches_a_second_do_not_wait() -> None:
    pace = link()
    for now_ms in range(100_000):  # of 10^5 records that were never gathered
        assert pace.pause(1.5, now_ms) == 0


def flood(pace: LinkPace, windows: int) -> int:
    """Send without end, paused as told; return how many messages were taken."""
    now_ms, sent = 0.0, 0
    while now_ms < windows * WINDOW_MS:
        now_ms += pace.pause(MESSAGE, int(now_ms))
        sent += 1
    return sent


def test_a_flood_is_slowed_to_the_rate() -> None:
    sent = flood(link(units=1200), 2)
    assert 2 * 1200 <= sent <= 2 * 1200 + 1200 / BURST_DIVISOR + 10


def test_a_flood_of_three_windows_ends_the_link() -> None:
    flood(link(units=1200), WINDOWS)
    try:
        flood(link(units=1200), WINDOWS + 1)
    except ProtocolError as error:
        assert error.code == "over-rate"
    else:
        raise AssertionError("it goes on")


def test_a_quiet_window_in_between_forgives() -> None:
    pace = link(units=1200)
    now_ms = 0.0
    for window in range(8):
        now_ms = max(now_ms, window * WINDOW_MS)
        if window % 3 == 2:
            pace.pause(MESSAGE, int(now_ms) + WINDOW_MS // 2)
            continue
        while now_ms < (window + 1) * WINDOW_MS:
            now_ms += pace.pause(MESSAGE, int(now_ms))


def test_all_links_together_are_slowed_and_nobody_is_blamed() -> None:
    shared = Pace(1200, WINDOW_MS, 0)
    pace = LinkPace(10**9, WINDOW_MS, shared, 0)
    now_ms, sent = 0.0, 0
    while now_ms < 6 * WINDOW_MS:
        paused = pace.pause(MESSAGE, int(now_ms))
        assert paused <= MAX_PAUSE_MS
        now_ms += paused
        sent += 1
    assert sent <= 6 * 1200 + 1200 / BURST_DIVISOR + 10


def test_what_some_sent_together_does_not_slow_down_others_for_long() -> None:
    together = Pace(ALL * 120, WINDOW_MS, 0)
    attackers = [LinkPace(UNITS, WINDOW_MS, together, 0) for _ in range(32)]
    for now_ms in range(0, WINDOW_MS, MAX_PAUSE_MS):
        for attacker in attackers:
            attacker.pause(400, now_ms)
    honest = LinkPace(UNITS, WINDOW_MS, together, WINDOW_MS)
    assert honest.pause(MESSAGE, WINDOW_MS) == MAX_PAUSE_MS
    assert honest.pause(MESSAGE, WINDOW_MS + WINDOW_MS // BURST_DIVISOR + 1) == 0
