"""What GET /node/discovered and GET /node/peers say of how a node was found."""

from edgenode.daemon.finding.foundview import discovered, ways
from edgenode.discover.agenda import Agenda
from edgenode.discover.sighting import LAN, MDNS, Sighting
from edgenode.discover.world import World

ID = "f" * 64


def test_each_place_is_listed_with_what_came_of_it() -> None:
    linked: set[str] = set()
    agenda = Agenda(
        own_id="0" * 64,
        outbound_target=16,
        start_wait_s=5.0,
        start_retries=3,
        linked=linked.__contains__,
        random=lambda: 0.5,
    )
    agenda.sighted(Sighting(MDNS, "192.168.1.2", 4242, ID), 10.0)
    agenda.sighted(Sighting(LAN, "192.168.1.2", 4242, ID), 11.0)
    agenda.sighted(Sighting(MDNS, "192.168.1.3", 4242), 10.0)
    world = World(linked.__contains__, 0, frozenset(), True)
    for target in agenda.due(11.0, world):
        if target.node_id:
            agenda.answered(target, ID, 11.0)
            linked.add(ID)
        else:
            agenda.failed(target, "no answer", 12.0)
    found = discovered(agenda, linked=linked.__contains__, now=12.0, wall_ms=1_700_000_012_000)
    assert found == {
        "discovered": [
            {
                "nodeId": ID,
                "address": "192.168.1.2",
                "port": 4242,
                "how": ["mdns", "lan"],
                "lastSeen": "2023-11-14T22:13:31.000Z",
                "status": "linked",
            },
            {
                "nodeId": None,
                "address": "192.168.1.3",
                "port": 4242,
                "how": ["mdns"],
                "lastSeen": "2023-11-14T22:13:30.000Z",
                "status": "failed",
                "lastError": "no answer",
            },
        ]
    }
    assert ways(agenda, ID) == ["mdns", "lan"]
    assert ways(agenda, "a" * 64) == []
