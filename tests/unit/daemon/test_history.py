"""The last hour by minutes."""

from edgenode.core.counters import Counters
from edgenode.daemon.watch.history import PERIOD_S, SAMPLES, History


def test_a_sample_has_what_came_in_its_time() -> None:
    counters = Counters()
    counters.bytes_in = 100  # before there was a history
    peers = 2
    history = History(counters, lambda: peers, lambda: 1_700_000_000_123)
    counters.bytes_in += 5
    counters.bytes_out += 6
    counters.succeeded += 7
    counters.failed += 8
    first = {"bytesIn": 5, "bytesOut": 6, "succeeded": 7, "failed": 8, "peers": 2}
    assert history.to_json() == {
        "periodSeconds": PERIOD_S,
        "until": "2023-11-14T22:13:20.123Z",
        "samples": [first],
    }
    history.take()
    counters.bytes_in += 1
    peers = 3
    second = {"bytesIn": 1, "bytesOut": 0, "succeeded": 0, "failed": 0, "peers": 3}
    assert history.to_json()["samples"] == [first, second]


def test_there_is_an_hour_and_no_more() -> None:
    counters = Counters()
    history = History(counters, lambda: 0, lambda: 0)
    for number in range(SAMPLES + 5):
        counters.bytes_in += number
        history.take()
    samples = history.to_json()["samples"]
    assert isinstance(samples, list)
    assert [sample["bytesIn"] for sample in samples] == [*range(5, SAMPLES + 5), 0]
