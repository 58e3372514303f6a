"""The addresses that a node gives away."""

from edgenode.core.dialback import Tally
from edgenode.core.reachability import Verdict
from edgenode.daemon.addresses import MAX_ADDRESSES
from edgenode.daemon.reach.advertised import advertised

LAN = ["192.168.1.20:4242", "[fd00::20]:4242"]
OWN6 = "[2a01:4f8::20]:4242"
NOBODY = Tally()
IN = Tally(2, 0, "2a01:4f8::20", 4242)
SHUT = Tally(0, 2, "2a01:4f8::20", 4242)


def verdict(name: str, *, verified: bool = False) -> Verdict:
    return Verdict(
        name, "advice", verified=verified, external_address="5.6.7.8", external_port=4243
    )


def test_what_is_believed_to_work_the_best_first() -> None:
    local = [LAN[0], OWN6, LAN[1]]
    mapped = verdict("mapped")
    assert advertised(mapped, NOBODY, NOBODY, local) == ["5.6.7.8:4243", OWN6, *LAN]
    # What was confirmed goes before what is only believed.
    assert advertised(mapped, NOBODY, IN, local) == [OWN6, "5.6.7.8:4243", *LAN]
    both = verdict("mapped", verified=True)
    assert advertised(both, IN, IN, local) == ["5.6.7.8:4243", OWN6, *LAN]


def test_what_does_not_work_is_not_given_away() -> None:
    local = ["9.9.9.9:4242", OWN6, *LAN]
    for name in ("double-nat", "cgnat", "firewalled", "mapping-off", "refused", "unknown"):
        assert advertised(verdict(name), SHUT, SHUT, local) == LAN
    assert advertised(verdict("firewalled"), SHUT, NOBODY, local) == [OWN6, *LAN]
    assert advertised(verdict("unknown"), NOBODY, SHUT, local) == ["9.9.9.9:4242", *LAN]


def test_without_knowledge_the_local_ones() -> None:
    unknown = Verdict("unknown", "advice")
    assert advertised(unknown, NOBODY, NOBODY, LAN) == LAN
    assert advertised(unknown, NOBODY, NOBODY, []) == []


def test_each_once_and_not_too_many() -> None:
    public = Verdict("public", "advice", external_address="9.9.9.9", external_port=4242)
    assert advertised(public, NOBODY, NOBODY, ["9.9.9.9:4242"]) == ["9.9.9.9:4242"]
    many = [f"10.0.0.{number}:4242" for number in range(100)]
    found = advertised(public, NOBODY, NOBODY, many)
    assert len(found) == MAX_ADDRESSES
    assert found[0] == "9.9.9.9:4242"
