"""Heat: counts in sliding windows, classes, and how seldom a class changes."""

from edgenode.core.records import TEMPERATURES
from edgenode.core.temperature import (
    DAY,
    HOUR,
    MAX_SLOT_COUNT,
    MIN_DWELL_MS,
    MONTH,
    PACKED_BYTES,
    QUARTER,
    SLOTS,
    WEEK,
    WINDOWS_MS,
    YEAR,
    Heat,
    from_bytes,
)
from tests.unit.core.helpers import raises

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
START_MS = 1000 * DAY_MS + 12345


def touched(times: int, now_ms: int = START_MS) -> Heat:
    heat = Heat()
    for _ in range(times):
        heat.touch(now_ms)
    return heat


def fresh(heat: Heat, now_ms: int) -> str:
    """Give the class of a block that had none."""
    return heat.class_at(now_ms, None, 0)[0]


def test_windows() -> None:
    days = (1, 7, 30, 90, 360)
    assert list(WINDOWS_MS) == [HOUR_MS] + [count * DAY_MS for count in days]
    for window_ms in WINDOWS_MS:
        assert window_ms % SLOTS == 0


def test_an_access_counts_for_the_window_and_at_most_a_sixth_more() -> None:
    for window, window_ms in enumerate(WINDOWS_MS):
        slot_ms = window_ms // SLOTS
        for phase in (0, 1, slot_ms // 2, slot_ms - 1):
            start = 100 * window_ms + phase
            heat = touched(3, start)
            for later in (0, 1, window_ms // 2, window_ms - 1, window_ms):
                assert heat.count(window, start + later) == 3, (window, phase, later)
            for later in (window_ms + slot_ms, 2 * window_ms, 50 * window_ms):
                assert heat.count(window, start + later) == 0, (window, phase, later)


def test_counts_against_a_list_of_all_accesses() -> None:
    for window, window_ms in enumerate(WINDOWS_MS):
        heat = Heat()
        times: list[int] = []
        now = 5 * window_ms
        for number in range(400):
            # Gaps from none to more than the window.
            now += number * 7919 % 101 * window_ms // 1500 + (number % 97 == 0) * 2 * window_ms
            if number % 3:
                heat.touch(now)
                times.append(now)
            least = len([each for each in times if each > now - window_ms])
            most = len([each for each in times if each > now - window_ms - window_ms // SLOTS])
            assert least <= heat.count(window, now) <= most


def test_counting_does_not_change_anything() -> None:
    heat = touched(5)
    assert heat.count(HOUR, START_MS + 400 * DAY_MS) == 0
    assert heat.count(HOUR, START_MS) == 5


def test_classes_at_their_thresholds() -> None:
    cases = (
        (1000, "VIRAL", "HOT"),
        (100, "HOT", "WARM"),
        (50, "WARM", "COOL"),
        (10, "COOL", "COLD"),
    )
    for threshold, above, below in cases:
        assert fresh(touched(threshold), START_MS) == below
        assert fresh(touched(threshold + 1), START_MS) == above
    assert fresh(touched(1), START_MS) == "COLD"
    assert fresh(Heat(), START_MS) == "FROZEN"


def test_each_class_has_its_window() -> None:
    heat = touched(1001)
    seen = [fresh(heat, START_MS + days * DAY_MS) for days in (0, 1, 6, 29, 89, 359, 500)]
    assert seen == ["VIRAL", "HOT", "WARM", "COOL", "COOL", "COLD", "FROZEN"]


def test_a_quarter_with_more_than_a_cold_block_may_have() -> None:
    for times, expected in ((20, "COLD"), (21, "COOL")):
        heat = Heat()
        for number in range(times):
            heat.touch(START_MS + number * 4 * DAY_MS)
        now = START_MS + (times - 1) * 4 * DAY_MS
        assert heat.count(MONTH, now) <= 10
        assert heat.count(QUARTER, now) == times
        assert fresh(heat, now) == expected


def test_a_block_gets_hotter_at_once() -> None:
    heat = touched(1001)
    assert heat.class_at(START_MS, "COLD", START_MS) == ("VIRAL", START_MS)


def test_the_same_class_keeps_its_time() -> None:
    assert touched(101).class_at(START_MS, "HOT", 77) == ("HOT", 77)


def test_a_class_is_kept_down_to_half_of_what_makes_it() -> None:
    cases = ((500, "VIRAL"), (50, "HOT"), (25, "WARM"), (5, "COOL"), (0, "COLD"))
    for half, class_ in cases:
        assert touched(half + 1).class_at(START_MS, class_, 0) == (class_, 0)
        colder, since_ms = touched(half).class_at(START_MS, class_, 0)
        assert TEMPERATURES.index(colder) < TEMPERATURES.index(class_)
        assert since_ms == START_MS


def test_a_class_is_not_left_for_a_colder_one_before_its_time() -> None:
    heat = touched(20)
    since = START_MS - MIN_DWELL_MS
    assert heat.class_at(START_MS, "HOT", since + 1) == ("HOT", since + 1)
    assert heat.class_at(START_MS, "HOT", since) == ("COOL", START_MS)


def test_a_steady_rate_near_a_threshold_settles() -> None:
    for rate_a_day in (98, 100, 102, 105):
        heat = Heat()
        class_, since_ms = "COLD", START_MS
        changes = 0
        now = START_MS
        for _ in range(20 * rate_a_day):
            now += DAY_MS // rate_a_day
            heat.touch(now)
            before = class_
            class_, since_ms = heat.class_at(now, class_, since_ms)
            changes += class_ != before
        assert class_ == "HOT"
        # COLD, COOL, WARM, HOT.
        assert changes == 3


def test_bursts_do_not_make_a_block_flap() -> None:
    heat = Heat()
    class_, since_ms = "FROZEN", START_MS
    falls: list[int] = []
    now = START_MS
    for number in range(3000):
        now += 60 * 1000
        if number % 90 < 10:
            for _ in range(101):
                heat.touch(now)
        before = class_
        class_, since_ms = heat.class_at(now, class_, since_ms)
        if TEMPERATURES.index(class_) < TEMPERATURES.index(before):
            falls.append(now)
    assert falls, "the bursts are an hour and a half apart"
    for place in range(1, len(falls)):
        assert falls[place] - falls[place - 1] >= MIN_DWELL_MS


def test_accesses_and_the_time_since() -> None:
    heat = Heat()
    assert (heat.accesses, heat.idle_ms(START_MS)) == (0, None)
    heat = touched(3)
    assert (heat.accesses, heat.idle_ms(START_MS), heat.idle_ms(START_MS + 9)) == (3, 0, 9)


def test_a_slot_is_full_at_its_bound() -> None:
    heat = touched(MAX_SLOT_COUNT + 5)
    assert heat.count(HOUR, START_MS) == MAX_SLOT_COUNT
    assert heat.accesses == MAX_SLOT_COUNT + 5


def test_a_clock_that_goes_back_stands_still() -> None:
    heat = touched(2)
    heat.touch(START_MS - 50 * DAY_MS)
    assert [heat.count(window, START_MS) for window in range(6)] == [3] * 6
    assert heat.count(HOUR, START_MS - 50 * DAY_MS) == 3
    assert heat.idle_ms(START_MS - 50 * DAY_MS) == 0


def test_packed_and_back_on_another_clock() -> None:
    heat = touched(30)
    heat.touch(START_MS + 3 * DAY_MS)
    stored_ms = START_MS + 3 * DAY_MS + 2 * HOUR_MS
    packed = heat.to_bytes(stored_ms)
    assert len(packed) == PACKED_BYTES == 108
    for now_ms in (0, 5, stored_ms, 10**15):
        again = from_bytes(packed, now_ms, 0)
        assert again.accesses == 31
        assert again.idle_ms(now_ms) == 2 * HOUR_MS
        for later in (0, HOUR_MS, DAY_MS, 40 * DAY_MS, 400 * DAY_MS):
            for window in (HOUR, DAY, WEEK, MONTH, QUARTER, YEAR):
                expected = heat.count(window, stored_ms + later)
                assert again.count(window, now_ms + later) == expected
        again.touch(now_ms)
        assert again.count(HOUR, now_ms) == 1
        assert again.to_bytes(now_ms) != packed


def test_time_away_counts() -> None:
    packed = touched(7).to_bytes(START_MS)
    assert from_bytes(packed, 0, 0).count(HOUR, 0) == 7
    assert from_bytes(packed, 0, 2 * HOUR_MS).count(HOUR, 0) == 0
    assert from_bytes(packed, 0, 2 * HOUR_MS).count(DAY, 0) == 7
    assert from_bytes(packed, 0, 2 * HOUR_MS).idle_ms(0) == 2 * HOUR_MS


def test_never_accessed_packed_and_back() -> None:
    again = from_bytes(Heat().to_bytes(5), 3, 0)
    assert (again.accesses, again.idle_ms(3), again.count(YEAR, 3)) == (0, None, 0)
    again.touch(3)
    assert [again.count(window, 3) for window in range(6)] == [1] * 6


def test_bytes_of_another_form() -> None:
    packed = touched(1).to_bytes(START_MS)
    for wrong in (b"", packed[:-1], packed + b"\0"):
        raises(ValueError, from_bytes, wrong, 0, 0)
