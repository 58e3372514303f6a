from edgenode.core.bucket import Bucket


def test_a_burst_goes_through_and_no_more() -> None:
    bucket = Bucket(10, 5, 0)
    assert bucket.take(3, 0) == 0
    assert bucket.take(2, 0) == 0
    assert bucket.take(1, 0) == 100


def test_what_was_refused_costs_nothing() -> None:
    bucket = Bucket(1000, 10, 0)
    assert bucket.take(8, 0) == 0
    assert bucket.take(5, 0) == 3
    assert bucket.take(2, 0) == 0


def test_it_fills_again_at_its_rate_up_to_the_burst() -> None:
    bucket = Bucket(10, 5, 0)
    assert bucket.take(5, 0) == 0
    assert bucket.take(1, 99) == 1
    assert bucket.take(1, 100) == 0
    assert bucket.take(5, 10_000) == 0
    assert bucket.take(1, 10_000) == 100


def test_the_time_told_is_enough() -> None:
    bucket = Bucket(7, 7, 0)
    assert bucket.take(7, 0) == 0
    wait = bucket.take(3, 0)
    assert bucket.take(3, wait - 1) == 1
    assert bucket.take(3, wait) == 0


def test_many_small_readings_lose_nothing() -> None:
    bucket = Bucket(3, 3, 0)
    assert bucket.take(3, 0) == 0
    for now in range(1, 1000):
        assert bucket.take(3, now) > 0
    assert bucket.take(3, 1000) == 0
