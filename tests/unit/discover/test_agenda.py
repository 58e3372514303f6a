"""Whom a node dials, and when."""

import itertools

import pytest

from edgenode.discover.agenda import (
    ENOUGH_TO_START,
    HIGHER_WAITS_S,
    PACE_S,
    RECENT_S,
    RELINK_CEILING_S,
    RELINK_TIMEOUT_S,
    Agenda,
)
from edgenode.discover.hints import MAX_FRUITLESS
from edgenode.discover.sighting import BOOTSTRAP, DNS, LAN, MDNS, PEER, Sighting
from edgenode.discover.target import ANCHOR, STATIC, Target
from edgenode.discover.world import World

OWN, LOWER, HIGHER = "8" * 64, "1" * 64, "f" * 64
START_WAIT_S = 5.0
START_RETRIES = 3


class Scene:
    """An agenda, and what is linked."""

    def __init__(self, *, chance: float = 0.5) -> None:
        self.linked: set[str] = set()
        self.outbound = 0
        self.groups: frozenset[bytes] = frozenset()
        self.room = True
        self.agenda = Agenda(
            own_id=OWN,
            outbound_target=16,
            start_wait_s=START_WAIT_S,
            start_retries=START_RETRIES,
            linked=self.linked.__contains__,
            random=lambda: chance,
        )

    def due(self, now: float) -> list[Target]:
        world = World(self.linked.__contains__, self.outbound, self.groups, self.room)
        return self.agenda.due(now, world)

    def hosts(self, now: float) -> list[str]:
        return [target.host for target in self.due(now)]

    def see(
        self, how: str, host: str, node_id: str = "", *, now: float = 0.0, kind: str = ""
    ) -> None:
        self.agenda.sighted(Sighting(how, host, 4242, node_id, host), now, kind)

    def link(self, host: str, node_id: str, now: float = 0.0) -> None:
        (target,) = [target for target in self.due(now) if target.host == host]
        self.agenda.answered(target, node_id, now)
        self.linked.add(node_id)

    def lose(self, node_id: str, now: float, reason: str = "cut") -> None:
        self.linked.discard(node_id)
        self.agenda.lost(node_id, 100.0, reason, now)


def test_of_two_neighbours_the_higher_waits() -> None:
    scene = Scene()
    scene.see(MDNS, "192.168.1.2", HIGHER)
    scene.see(MDNS, "192.168.1.3", LOWER)
    assert scene.hosts(0.0) == ["192.168.1.2"]
    assert scene.hosts(HIGHER_WAITS_S - 0.01) == []
    assert scene.hosts(HIGHER_WAITS_S) == ["192.168.1.3"]


def test_nobody_dials_itself_or_who_is_linked() -> None:
    scene = Scene()
    scene.linked.add(HIGHER)
    scene.see(LAN, "192.168.1.2", HIGHER)
    scene.see(LAN, "192.168.1.3", OWN)
    assert scene.hosts(10.0) == []


def test_two_addresses_of_a_node_are_dialled_in_turn() -> None:
    scene = Scene()
    scene.see(MDNS, "192.168.1.2", HIGHER)
    scene.see(MDNS, "fe80::2%eth0", HIGHER)
    assert len(scene.due(0.0)) == 1
    assert scene.due(0.5) == []
    assert len(scene.due(1.0)) == 1


def test_fruitless_dials_to_neighbours_are_few() -> None:
    scene = Scene()
    for number in range(100):
        scene.see(MDNS, f"192.168.1.{number}", f"{number:064x}")
    dials = 0
    for tenth in range(600):
        for target in scene.due(tenth / 10):
            dials += 1
            scene.agenda.failed(target, "no answer", tenth / 10)
    assert dials == MAX_FRUITLESS


def test_many_neighbours_that_answer_are_linked_at_once() -> None:
    scene = Scene()
    for number in range(40):
        scene.see(LAN, f"192.168.1.{number}", f"f{number:063x}")
    now = 0.0
    while len(scene.linked) < 40:
        for target in scene.due(now):
            scene.agenda.answered(target, target.node_id, now)
            scene.linked.add(target.node_id)
        now += 0.01
    assert now < 0.1


def test_a_full_house_of_neighbours_asks_no_more() -> None:
    scene = Scene()
    scene.room = False
    scene.see(LAN, "192.168.1.2", HIGHER)
    assert scene.due(0.0) == []


def test_nodes_to_begin_with_are_dialled_until_there_are_enough() -> None:
    scene = Scene()
    for number in range(10):
        scene.see(BOOTSTRAP, f"node{number}.example.org")
    assert len(scene.due(0.0)) == ENOUGH_TO_START
    scene = Scene()
    scene.outbound = ENOUGH_TO_START
    scene.see(BOOTSTRAP, "node.example.org")
    assert scene.due(0.0) == []


def test_a_node_to_begin_with_is_retried_slowly_but_for_ever() -> None:
    scene = Scene(chance=0.999)
    scene.see(BOOTSTRAP, "node.example.org")
    at: list[float] = []
    now = 0.0
    while now < 4000.0:
        for target in scene.due(now):
            at.append(now)
            scene.agenda.failed(target, "no answer", now)
        now += 0.5
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert gaps[:START_RETRIES] == pytest.approx([5.0, 10.0, 20.0], abs=1.0)
    assert all(300.0 <= gap <= 601.0 for gap in gaps[START_RETRIES:])
    assert len(gaps) > START_RETRIES + 3


def test_other_networks_come_first() -> None:
    scene = Scene()
    scene.outbound = 7
    scene.groups = frozenset((b"\x08\x08",))
    scene.see(DNS, "8.8.8.8")
    scene.see(DNS, "9.9.9.9")
    assert scene.hosts(0.0) == ["9.9.9.9"]


def test_sources_are_asked_in_their_order() -> None:
    scene = Scene()
    scene.see(PEER, "9.0.0.1")
    scene.see(DNS, "9.1.0.1")
    scene.see(BOOTSTRAP, "9.2.0.1")
    scene.see(PEER, "9.3.0.1", kind=ANCHOR)
    scene.see(MDNS, "192.168.1.2")
    assert scene.hosts(0.0) == ["192.168.1.2", "9.3.0.1", "9.2.0.1", "9.1.0.1", "9.0.0.1"]


@pytest.mark.parametrize("dial_s", [0.0, RELINK_TIMEOUT_S])
@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_a_lost_peer_is_dialled_every_few_seconds(dial_s: float, chance: float) -> None:
    scene = Scene(chance=chance)
    scene.see(MDNS, "192.168.1.2", HIGHER)
    scene.link("192.168.1.2", HIGHER)
    scene.lose(HIGHER, 100.0)
    at: list[float] = []
    now = 100.0
    while now < 160.0:
        for target in scene.due(now):
            assert scene.agenda.dial_timeout_s(target, now) == RELINK_TIMEOUT_S
            at.append(now)
            scene.agenda.failed(target, "no answer", now + dial_s)
        now += 0.1
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert min(gaps) >= PACE_S - 1e-6
    assert max(gaps) <= RELINK_CEILING_S + 0.2
    assert at[0] <= 101.0


def test_a_storm_of_lost_peers_is_paced_until_one_answers() -> None:
    scene = Scene(chance=0.999)
    ids = [f"f{number:063x}" for number in range(20)]
    for number, node_id in enumerate(ids):
        scene.see(LAN, f"192.168.1.{number}", node_id)
    while len(scene.linked) < 20:
        for target in scene.due(0.0):
            scene.agenda.answered(target, target.node_id, 0.0)
            scene.linked.add(target.node_id)
    for node_id in ids:
        scene.lose(node_id, 100.0)
    failing: list[float] = []
    now = 100.0
    while now < 160.0:
        for target in scene.due(now):
            failing.append(now)
            scene.agenda.failed(target, "no answer", now)
        now += 0.1
    assert len(failing) <= 61
    after = list(scene.due(161.0))
    scene.agenda.answered(after[0], after[0].node_id, 161.0)
    scene.linked.add(after[0].node_id)
    found = {target.host for step in range(12) for target in scene.due(161.0 + step / 10)}
    assert len(found) == 19


def test_after_a_while_a_lost_peer_is_as_any_other() -> None:
    scene = Scene()
    scene.see(MDNS, "192.168.1.2", HIGHER)
    scene.link("192.168.1.2", HIGHER)
    scene.lose(HIGHER, 100.0)
    (target,) = scene.due(101.0)
    assert scene.agenda.dial_timeout_s(target, 101.0 + RECENT_S) is None


def test_a_peer_that_refused_is_left_in_peace() -> None:
    scene = Scene()
    scene.see(BOOTSTRAP, "9.9.9.9")
    scene.link("9.9.9.9", HIGHER)
    scene.lose(HIGHER, 1.0, "busy")
    assert scene.due(200.0) == []
    assert scene.hosts(700.0) == ["9.9.9.9"]


def test_a_change_of_the_network_makes_all_due_soon() -> None:
    scene = Scene()
    scene.see(BOOTSTRAP, "9.9.9.9")
    (target,) = scene.due(0.0)
    for _ in range(START_RETRIES + 1):
        scene.agenda.failed(target, "Network is unreachable", 0.0)
    assert scene.due(100.0) == []
    scene.agenda.network_changed(100.0)
    assert scene.hosts(102.0) == ["9.9.9.9"]


def test_static_peers_are_left_to_their_keeper_until_they_are_lost() -> None:
    scene = Scene()
    scene.see(BOOTSTRAP, "9.9.9.9", kind=STATIC)
    assert scene.due(0.0) == []
    (target,) = list(scene.agenda)
    target.node_id = HIGHER
    scene.lose(HIGHER, 10.0)
    assert scene.hosts(11.0) == ["9.9.9.9"]


def test_a_link_that_stalls_is_dialled_beside() -> None:
    scene = Scene()
    scene.see(MDNS, "192.168.1.2", HIGHER)
    scene.link("192.168.1.2", HIGHER)
    scene.linked.discard(HIGHER)  # as `World.linked` has it: it shows no sign of life
    scene.agenda.suspect(HIGHER, 50.0)
    assert scene.hosts(50.0) == ["192.168.1.2"]


def test_a_neighbour_that_left_is_forgotten() -> None:
    scene = Scene()
    scene.see(LAN, "192.168.1.2", HIGHER)
    scene.agenda.gone(HIGHER)
    assert scene.due(10.0) == []
    assert list(scene.agenda) == []


def test_told_addresses_that_fail_are_forgotten() -> None:
    scene = Scene(chance=0.0)
    scene.see(DNS, "9.9.9.9")
    now = 0.0
    while list(scene.agenda):
        for target in scene.due(now):
            scene.agenda.failed(target, "no answer", now)
        now += 10.0
        assert now < 3600.0


def test_whoever_says_that_a_linked_node_is_elsewhere_keeps_nobody_from_there() -> None:
    scene = Scene()
    scene.see(MDNS, "192.168.1.2", HIGHER)
    scene.link("192.168.1.2", HIGHER)
    # Before the one who is there says so, or after.
    scene.see(MDNS, "192.168.1.3", HIGHER, now=1.0)
    scene.see(MDNS, "192.168.1.3", LOWER, now=2.0)
    scene.see(MDNS, "192.168.1.3", HIGHER, now=3.0)
    assert scene.hosts(8.0) == ["192.168.1.3"]


def test_a_linked_node_keeps_its_place_whoever_claims_it() -> None:
    scene = Scene()
    scene.see(MDNS, "192.168.1.2", HIGHER)
    scene.link("192.168.1.2", HIGHER)
    scene.see(MDNS, "192.168.1.2", LOWER, now=1.0)
    assert scene.hosts(20.0) == []


def test_a_network_that_changes_all_the_time_makes_no_storm() -> None:
    scene = Scene()
    for number in range(20):
        host = f"9.{number}.0.1"
        scene.see(PEER, host)
        scene.link(host, f"{number:064x}")
        scene.lose(f"{number:064x}", 0.0, "busy" if number < 10 else "cut")
    dials = 0
    for tenth in range(10, 6000):
        if tenth % 20 == 0:
            scene.agenda.network_changed(tenth / 10)
        for target in scene.due(tenth / 10):
            assert target.host not in [f"9.{number}.0.1" for number in range(10)] or tenth > 4000
            dials += 1
            scene.agenda.failed(target, "no answer", tenth / 10)
    assert dials <= 600
