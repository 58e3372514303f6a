"""Who must go, and whose datagrams are looked at."""

from edgenode.discover.crowd import MAX_SENDERS, Budget, one_too_many


def test_the_youngest_of_the_largest_group_goes() -> None:
    assert one_too_many({"old": "x", "first": "evil", "second": "evil", "new": "y"}) == "second"


def test_among_equals_the_youngest_goes() -> None:
    assert one_too_many({"a": "x", "b": "y", "c": "z"}) == "c"


def test_a_sender_has_a_share() -> None:
    budget = Budget(rate_per_s=10, burst=10, sender_rate_per_s=1, sender_burst=3)
    assert [budget.admits("evil", 0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert budget.admits("good", 0)
    assert budget.admits("evil", 1000)
    assert not budget.admits("evil", 1000)


def test_many_senders_share_one_budget() -> None:
    budget = Budget(rate_per_s=10, burst=10, sender_rate_per_s=1, sender_burst=3)
    assert sum(budget.admits(str(number), 0) for number in range(100)) == 10


def test_no_more_senders_are_remembered_than_is_said() -> None:
    budget = Budget(rate_per_s=10**6, burst=10**6, sender_rate_per_s=1, sender_burst=1)
    assert budget.admits("first", 0)
    assert not budget.admits("first", 0)
    for number in range(MAX_SENDERS):
        budget.admits(str(number), 0)
    assert budget.admits("first", 0), "it was to be forgotten"
