"""The tables of the limits under any history: bounded, and heavy sources are not forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from edgenode.core import blacklist, ratelimit
from edgenode.core.blacklist import Blacklist
from edgenode.core.ratelimit import RateLimit

ADDRESSES = st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))
STEPS = st.lists(
    st.tuples(ADDRESSES, st.floats(0, 30), st.integers(0, 20_000), st.booleans()), max_size=300
)
WINDOW_MS = 10_000
LIMIT = 20
HEAVY = bytes([203, 0, 113, 7])


@given(STEPS)
def test_rates_are_bounded_and_a_window_never_gives_more(
    steps: list[tuple[bytes, float, int, bool]],
) -> None:
    rate = RateLimit(window_ms=WINDOW_MS, max_requests=LIMIT, threshold=3, now_ms=0)
    now_ms = 0
    for address, cost, later_ms, near in steps:
        now_ms += later_ms
        refusal = rate.charge(address, cost, now_ms, near=near)
        if refusal is not None:
            assert refusal.wait_ms >= 1
            wait_ms = refusal.wait_ms
            if cost <= LIMIT and refusal.policy == "address":
                now_ms += wait_ms
                assert rate.charge(address, cost, now_ms, near=near) is None
        assert len(rate) <= ratelimit.MAX_SOURCES


@given(STEPS, st.integers(1, 8))
def test_a_crowd_never_frees_a_heavy_source(
    steps: list[tuple[bytes, float, int, bool]], room: int
) -> None:
    before = ratelimit.MAX_SOURCES, ratelimit.DROPPED_AT_ONCE
    ratelimit.MAX_SOURCES, ratelimit.DROPPED_AT_ONCE = 2 + room, 1
    try:
        rate = RateLimit(window_ms=10**9, max_requests=LIMIT, threshold=3, now_ms=0)
        rate.owe(HEAVY, 10**6, 0)
        for address, cost, _, near in steps:
            rate.charge(address, cost, 1, near=near)
            assert len(rate) <= ratelimit.MAX_SOURCES
        assert rate.charge(HEAVY, 1, 2) is not None
    finally:
        ratelimit.MAX_SOURCES, ratelimit.DROPPED_AT_ONCE = before


@given(STEPS, st.integers(1, 10**6))
def test_a_blacklist_is_bounded_and_the_operators_entries_stay(
    steps: list[tuple[bytes, float, int, bool]], duration_ms: int
) -> None:
    before = blacklist.MAX_ENTRIES, blacklist.DROPPED_AT_ONCE
    blacklist.MAX_ENTRIES, blacklist.DROPPED_AT_ONCE = 8, 1
    try:
        shut_out = Blacklist(duration_ms)
        shut_out.add(HEAVY, 0, None)
        now_ms = 0
        for address, _, later_ms, near in steps:
            now_ms += later_ms
            entry = shut_out.punish(address, "malformed", now_ms, near=near)
            assert shut_out.find(address, now_ms) is not None
            assert entry.until_ms is None or entry.until_ms - now_ms <= max(
                duration_ms, blacklist.MAX_MS
            )
            assert len(shut_out) <= 8
            assert shut_out.find(HEAVY, now_ms) is not None
    finally:
        blacklist.MAX_ENTRIES, blacklist.DROPPED_AT_ONCE = before
