"""Heat under any history of accesses, restarts and readings."""

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from edgenode.core.records import TEMPERATURES
from edgenode.core.temperature import MIN_DWELL_MS, SLOTS, WINDOWS_MS, Heat, from_bytes

HOUR_MS = 3600 * 1000
steps = st.lists(
    st.tuples(
        st.sampled_from(["touch", "touch", "touch", "look", "restart"]),
        # A gap of the order of each window.
        st.sampled_from((0, 1, *WINDOWS_MS)).flatmap(lambda most: st.integers(0, 2 * most)),
    ),
    max_size=60,
)


@given(st.integers(0, 10**13), steps)
def test_counts(now_ms: int, history: list[tuple[str, int]]) -> None:
    heat = Heat()
    times: list[int] = []
    ahead_ms = 0  # of our own time to the clock that the heat is told
    for step, gap_ms in history:
        now_ms += gap_ms
        if step == "touch":
            heat.touch(now_ms - ahead_ms)
            times.append(now_ms)
        elif step == "restart":
            packed = heat.to_bytes(now_ms - gap_ms - ahead_ms)
            ahead_ms = now_ms - gap_ms // 2
            heat = from_bytes(packed, now_ms - ahead_ms, gap_ms)
        for window, window_ms in enumerate(WINDOWS_MS):
            least = len(times) - bisect_right(times, now_ms - window_ms)
            most = len(times) - bisect_right(times, now_ms - window_ms - window_ms // SLOTS)
            assert least <= heat.count(window, now_ms - ahead_ms) <= most
        assert heat.accesses == len(times)
        assert heat.idle_ms(now_ms - ahead_ms) == (now_ms - times[-1] if times else None)


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 3 * HOUR_MS)), max_size=60))
def test_a_class_falls_at_most_once_an_hour(bursts: list[tuple[int, int]]) -> None:
    heat = Heat()
    now_ms = 0
    class_, since_ms = heat.class_at(now_ms, None, 0)
    assert class_ == "FROZEN"
    fell_ms = -MIN_DWELL_MS
    for times, gap_ms in bursts:
        now_ms += gap_ms
        for _ in range(times):
            heat.touch(now_ms)
        before = class_
        class_, since_ms = heat.class_at(now_ms, class_, since_ms)
        change = TEMPERATURES.index(class_) - TEMPERATURES.index(before)
        assert (since_ms == now_ms) if change else (since_ms <= now_ms)
        if change < 0:
            assert now_ms - fell_ms >= MIN_DWELL_MS
            fell_ms = now_ms
        # Reading it again at once changes nothing.
        assert heat.class_at(now_ms, class_, since_ms) == (class_, since_ms)
