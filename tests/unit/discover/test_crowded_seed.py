"""A seed whose addresses are all in one network, and dead, keeps nobody else waiting."""

import pytest

from edgenode.discover.agenda import MAX_DIALS_TO_A_NETWORK, Agenda
from edgenode.discover.sighting import DNS, Sighting
from edgenode.discover.world import World

WORLD = World(linked=lambda _: False, outbound=0, groups=frozenset(), room=True)


@pytest.fixture
def agenda() -> Agenda:
    return Agenda(
        own_id="aa" * 32,
        outbound_target=16,
        start_wait_s=5.0,
        start_retries=10,
        linked=lambda _: False,
        random=lambda: 0.5,
    )


def _named(agenda: Agenda, *hosts: str) -> None:
    for host in hosts:
        agenda.sighted(Sighting(DNS, host, 4242, "", "seed.example"), 0.0)


def test_others_are_dialled_beside_the_crowd(agenda: Agenda) -> None:
    crowd = [f"99.1.0.{number}" for number in range(16)]
    _named(agenda, *crowd, "20.1.0.1", "2a01::1")
    hosts = [target.host for target in agenda.due(0.0, WORLD)]
    assert hosts == [*crowd[:MAX_DIALS_TO_A_NETWORK], "20.1.0.1", "2a01::1"]
    assert agenda.due(1.0, WORLD) == []


def test_the_next_of_the_crowd_follows(agenda: Agenda) -> None:
    _named(agenda, *(f"99.1.0.{number}" for number in range(4)))
    first, second = agenda.due(0.0, WORLD)
    agenda.failed(first, "no answer", 10.0)
    assert [target.host for target in agenda.due(10.0, WORLD)] == ["99.1.0.2"]
    agenda.failed(second, "no answer", 10.0)
    assert [target.host for target in agenda.due(10.0, WORLD)] == ["99.1.0.3"]


def test_private_networks_have_no_such_bound(agenda: Agenda) -> None:
    _named(agenda, *(f"10.0.0.{number}" for number in range(4)))
    assert len(agenda.due(0.0, WORLD)) == 4
