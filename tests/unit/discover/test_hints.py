"""Neighbours that anyone may name: how many are kept, and how many are dialled."""

from edgenode.discover.hints import (
    FRUITLESS_S,
    MAX_FAILURES,
    MAX_FRUITLESS,
    MAX_HINTS,
    DialBudget,
    Hints,
)
from edgenode.discover.sighting import LAN, MDNS
from edgenode.discover.target import NEIGHBOUR, Target


def target(number: int, source: str = "", how: str = MDNS) -> Target:
    host = f"192.168.{number >> 8}.{number & 255}"
    return Target(NEIGHBOUR, how, host, 4242, node_id="", source=source, now=float(number))


def test_a_flood_displaces_its_own() -> None:
    hints = Hints(lambda _: False)
    honest = [target(number, "honest") for number in range(10)]
    for hint in honest:
        assert hints.add(hint)
    for number in range(1000, 3000):
        hints.add(target(number, "flood"))
        assert len(hints) <= MAX_HINTS
    late = target(5000, "late")
    assert hints.add(late)
    assert set(honest) < set(hints)
    assert late in set(hints)


def test_what_is_linked_stays() -> None:
    linked = [target(number, "one") for number in range(MAX_HINTS)]
    hints = Hints(lambda hint: hint in linked)
    for hint in linked:
        assert hints.add(hint)
    assert not hints.add(target(3000, "two"))
    assert len(hints) == MAX_HINTS


def test_who_was_wrong_is_dialled_after_the_others() -> None:
    hints = Hints(lambda _: False)
    wrong, other, signed = target(1, "flood"), target(2, "b"), target(3, "c", LAN)
    again = target(4, "flood")
    for hint in (wrong, other, signed, again):
        hints.add(hint)
    hints.failed(wrong)
    assert sorted(hints, key=hints.rank)[:2] == [signed, other]


def test_one_that_always_fails_is_forgotten() -> None:
    hints = Hints(lambda _: False)
    hint = target(1)
    hints.add(hint)
    for _ in range(MAX_FAILURES):
        assert hints.get(hint.place) is hint
        hint.failures += 1
        hints.failed(hint)
    assert hints.get(hint.place) is None


def test_dials_that_come_to_nothing_are_few_in_any_minute() -> None:
    budget = DialBudget()
    begun = []
    for tenth in range(3000):
        now = tenth / 10
        if budget.has(now):
            budget.take(now)
            begun.append(now)
    for now in begun:
        assert sum(now <= other < now + FRUITLESS_S for other in begun) <= MAX_FRUITLESS


def test_successes_cost_nothing() -> None:
    budget = DialBudget()
    for number in range(10 * MAX_FRUITLESS):
        assert budget.has(float(number) / 100)
        budget.take(float(number) / 100)
        budget.give_back(float(number) / 100)
