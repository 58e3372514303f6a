"""Back-off: limits that double to the ceiling, full jitter below them."""

from edgenode.core.backoff import Backoff
from tests.unit.core.helpers import raises

ALMOST_ONE = 1 - 2.0**-53


def test_the_limit_doubles_up_to_the_ceiling() -> None:
    backoff = Backoff(100, 1000, lambda: ALMOST_ONE)
    assert [backoff.next_ms() for _ in range(6)] == [100, 200, 400, 800, 1000, 1000]


def test_the_delay_is_drawn_from_the_whole_range() -> None:
    draws = [0.0, 0.0, 0.5, 0.25]
    backoff = Backoff(100, 1000, lambda: draws.pop(0))
    assert [backoff.next_ms() for _ in range(4)] == [1, 1, 201, 201]


def test_it_never_says_zero() -> None:
    backoff = Backoff(1, 1, lambda: 0.0)
    assert [backoff.next_ms() for _ in range(3)] == [1, 1, 1]


def test_reset_begins_again() -> None:
    backoff = Backoff(100, 1000, lambda: ALMOST_ONE)
    for _ in range(5):
        backoff.next_ms()
    backoff.reset()
    assert [backoff.next_ms() for _ in range(2)] == [100, 200]


def test_the_limit_stays_at_the_ceiling_for_ever() -> None:
    backoff = Backoff(3, 1000, lambda: ALMOST_ONE)
    for _ in range(2000):
        last = backoff.next_ms()
    assert last == 1000


def test_a_ceiling_equal_to_the_first() -> None:
    backoff = Backoff(250, 250, lambda: ALMOST_ONE)
    assert [backoff.next_ms() for _ in range(2)] == [250, 250]


def test_senseless_limits_are_refused() -> None:
    for first_ms, ceiling_ms in ((0, 10), (-1, 10), (11, 10)):
        raises(ValueError, Backoff, first_ms, ceiling_ms, lambda: 0.0)
