"""From evidence to verdict: every verdict, and what decides between two."""

from edgenode.core.dialback import Tally, is_elsewhere, network_of, tally
from edgenode.core.reachability import (
    CGNAT,
    DOUBLE_NAT,
    FIREWALLED,
    IPV6_ONLY,
    MAPPED,
    MAPPING_OFF,
    NO_GATEWAY,
    PUBLIC,
    REFUSED,
    UNKNOWN,
    VERDICTS,
    Verdict,
    judge,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HOME = "192.168.1.20"
ROUTER = "192.168.1.1"
WAN = "5.6.7.8"
OWN6 = "2a01:4f8::20"
PRIVATE_WAN = "10.0.0.7"
SHARED_WAN = "100.64.3.4"


class Given:
    """Any record, by its fields."""

    def __init__(self, **fields: object) -> None:
        for name, value in fields.items():
            setattr(self, name, value)


def gateway(own: str = HOME, ipv6: bool = False) -> Given:
    return Given(address=ROUTER, own_address=own, ipv6=ipv6)


def mapping(external: "str | None" = WAN, ipv6: bool = False, port: int = 4243) -> Given:
    return Given(method="pcp", ipv6=ipv6, external_address=external, external_port=port)


def failure(reason: str, external: "str | None" = None, ipv6: bool = False) -> Given:
    return Given(method="pcp", ipv6=ipv6, reason=reason, external_address=external)


def view(**changes: object) -> "Any":
    fields: dict[str, object] = {
        "asked": True,
        "settled": True,
        "gateways": [gateway()],
        "own_addresses": [HOME],
        "own_ipv6": [],
        "mappings": [],
        "failures": [],
    }
    fields.update(changes)
    return Given(**fields)


NOBODY = Tally()


def found(
    seen: "Any", ipv4: Tally = NOBODY, ipv6: Tally = NOBODY, silent: "tuple[str, ...]" = ()
) -> Verdict:
    verdict = judge(seen, ipv4, ipv6, port=4242, silent_gateways=silent)
    # What holds for every verdict: one of those that exist, and one line for the owner.
    assert verdict.verdict in VERDICTS
    assert 10 < len(verdict.advice) < 200, verdict.advice
    assert "\n" not in verdict.advice
    return verdict


def facts(verdict: Verdict) -> "tuple[object, ...]":
    return (
        verdict.verdict,
        verdict.verified,
        verdict.method,
        verdict.external_address,
        verdict.external_port,
        verdict.confirmations,
    )


def test_public() -> None:
    seen = view(own_addresses=[WAN], gateways=[gateway(WAN)])
    assert facts(found(seen)) == (PUBLIC, False, None, WAN, 4242, 0)
    assert facts(found(seen, Tally(2, 1, WAN, 4242))) == (PUBLIC, True, None, WAN, 4242, 2)
    assert facts(found(seen, Tally(0, 2, WAN, 4242))) == (FIREWALLED, False, None, WAN, 4242, 0)
    # A server that has its address without asking anybody.
    assert found(view(own_addresses=[WAN], gateways=[], settled=False)).verdict == PUBLIC


def test_mapped() -> None:
    seen = view(mappings=[mapping()])
    assert facts(found(seen)) == (MAPPED, False, "pcp", WAN, 4243, 0)
    assert facts(found(seen, Tally(1, 0, WAN, 4243))) == (MAPPED, True, "pcp", WAN, 4243, 1)
    # The gateway has not said where: peers do, when they get through or not.
    silent = view(mappings=[mapping(None)])
    assert facts(found(silent)) == (MAPPED, False, "pcp", None, 4243, 0)
    assert found(silent, Tally(1, 0, WAN, 4243)).external_address == WAN
    assert found(view(mappings=[mapping("0.0.0.0")])).external_address is None
    assert found(view(mappings=[mapping("garbage")])).verdict == MAPPED
    # One of two gateways is enough, though it stands second.
    both = view(mappings=[mapping(PRIVATE_WAN), mapping()], failures=[failure("refused")])
    assert found(both).external_address == WAN


def test_mapped_by_hand() -> None:
    seen = view(failures=[failure("no-answer")])
    assert facts(found(seen, Tally(2, 0, WAN, 4242))) == (MAPPED, True, "manual", WAN, 4242, 2)
    off = view(asked=False)
    assert found(off, Tally(1, 0, WAN, 4242)).verdict == MAPPED
    # Through two routers, of which one was set by hand.
    twice = view(mappings=[mapping(PRIVATE_WAN)])
    assert facts(found(twice, Tally(1, 0, WAN, 4243))) == (MAPPED, True, "pcp", WAN, 4243, 1)


def test_firewalled() -> None:
    seen = view(mappings=[mapping()])
    assert facts(found(seen, Tally(0, 1, WAN, 4243))) == (FIREWALLED, False, "pcp", WAN, 4243, 0)
    # Of three one gets through, two do not.
    assert found(seen, Tally(1, 2, WAN, 4243)).verdict == FIREWALLED
    only6 = view(gateways=[gateway(OWN6, True)], own_addresses=[], own_ipv6=[OWN6])
    assert found(only6, NOBODY, Tally(0, 2, OWN6, 4242)).verdict == FIREWALLED


def test_double_nat() -> None:
    for seen in (
        view(failures=[failure("private-wan", PRIVATE_WAN)]),
        view(failures=[failure("no-answer"), failure("private-wan", PRIVATE_WAN)]),
        view(mappings=[mapping(PRIVATE_WAN)]),
        view(mappings=[mapping(PRIVATE_WAN)], settled=False),
    ):
        assert facts(found(seen)) == (DOUBLE_NAT, False, None, PRIVATE_WAN, None, 0)
    assert found(view(failures=[failure("private-wan")])).verdict == DOUBLE_NAT
    assert found(view(failures=[failure("private-wan", "203.0.113.9")])).verdict == DOUBLE_NAT
    assert found(view(mappings=[mapping(PRIVATE_WAN)]), Tally(0, 2, WAN)).verdict == DOUBLE_NAT
    # The router believes in an address that nobody else sees, and nobody gets in.
    elsewhere = found(view(mappings=[mapping("7.7.7.7")]), Tally(0, 2, WAN, 4243))
    assert elsewhere.verdict == DOUBLE_NAT
    # As long as somebody does, it is none.
    assert found(view(mappings=[mapping("7.7.7.7")]), Tally(1, 0, WAN, 4243)).verdict == MAPPED


def test_cgnat() -> None:
    for seen in (
        view(failures=[failure("private-wan", SHARED_WAN)]),
        view(mappings=[mapping(SHARED_WAN)]),
        view(failures=[failure("private-wan", PRIVATE_WAN), failure("refused", SHARED_WAN)]),
    ):
        assert facts(found(seen)) == (CGNAT, False, None, SHARED_WAN, None, 0)
    stick = view(own_addresses=[SHARED_WAN], gateways=[gateway(SHARED_WAN)])
    assert found(stick).verdict == CGNAT
    # A private network of the host's own, beside the way out, is not the provider's.
    assert found(view(own_addresses=[HOME, "100.100.1.1"], settled=False)).verdict == UNKNOWN


def test_mapping_off() -> None:
    for reasons in (["no-answer"], ["unsupported"], ["no-answer", "unsupported"], []):
        verdict = found(view(failures=[failure(reason) for reason in reasons]))
        assert facts(verdict) == (MAPPING_OFF, False, None, None, None, 0)
        assert "4242" in verdict.advice
        assert "UPnP" in verdict.advice
    by_settings = found(view(asked=False, settled=False))
    assert by_settings.verdict == MAPPING_OFF
    assert "settings" in by_settings.advice


def test_refused() -> None:
    words = {
        "refused": "refused",
        "no-room": "full",
        "conflict": "Another device",
        "failed": "failed",
        "malformed": "failed",
    }
    for reason in sorted(words):
        verdict = found(view(failures=[failure("no-answer"), failure(reason)]))
        assert facts(verdict) == (REFUSED, False, None, None, None, 0)
        assert words[reason] in verdict.advice, verdict.advice
    both = found(view(failures=[failure("conflict"), failure("refused")]))
    assert "refused" in both.advice


def test_no_gateway() -> None:
    assert found(view(gateways=[], own_addresses=[])).verdict == NO_GATEWAY
    dead = found(view(failures=[failure("no-answer")]), silent=(ROUTER,))
    assert dead.verdict == NO_GATEWAY
    assert "does not answer" in dead.advice
    offline = found(view(failures=[failure("network-down")]))
    assert offline.verdict == NO_GATEWAY
    # One of two routers is alive.
    other = Given(address="192.168.2.1", own_address="192.168.2.20", ipv6=False)
    two = view(gateways=[gateway(), other], failures=[failure("no-answer")])
    assert found(two, silent=(ROUTER,)).verdict == MAPPING_OFF
    # Whoever gets in shows that there is a way.
    assert found(view(), Tally(1, 0, WAN, 4242), silent=(ROUTER,)).verdict == MAPPED


def test_unknown() -> None:
    assert found(view(settled=False)).verdict == UNKNOWN
    assert found(view(settled=False, gateways=[], own_addresses=[])).verdict == UNKNOWN
    untried = view(gateways=[gateway(OWN6, True)], own_addresses=[], own_ipv6=[OWN6])
    assert found(untried).verdict == UNKNOWN


def test_ipv6_only() -> None:
    pinhole = mapping(OWN6, True, 4242)
    no4 = view(gateways=[gateway(OWN6, True)], own_addresses=[], own_ipv6=[OWN6])
    verified = (IPV6_ONLY, True, None, OWN6, 4242, 2)
    assert facts(found(no4, NOBODY, Tally(2, 0, OWN6, 4242))) == verified
    for failures in ([], [failure("no-answer")], [failure("private-wan", SHARED_WAN)]):
        both = view(own_ipv6=[OWN6], failures=failures)
        assert facts(found(both, NOBODY, Tally(2, 0, OWN6, 4242))) == verified
        # Nobody has tried, and no pinhole was made: home routers let nothing in by themselves.
        assert found(both).verdict != IPV6_ONLY
        opened = view(own_ipv6=[OWN6], failures=failures, mappings=[pinhole])
        assert facts(found(opened)) == (IPV6_ONLY, False, "pcp", OWN6, 4242, 0)
        assert found(opened, NOBODY, Tally(0, 2, OWN6, 4242)).verdict != IPV6_ONLY
    # IPv4 goes first, since more have it.
    also4 = view(own_ipv6=[OWN6], mappings=[mapping(), pinhole])
    assert found(also4).verdict == MAPPED
    shut4 = found(also4, Tally(0, 2, WAN, 4243), Tally(2, 0, OWN6, 4242))
    assert shut4.verdict == IPV6_ONLY
    # What is wrong with IPv4 is said where IPv6 is no better.
    worse = view(own_ipv6=[OWN6], failures=[failure("private-wan", SHARED_WAN)])
    assert found(worse, NOBODY, Tally(0, 2, OWN6, 4242)).verdict == CGNAT
    local = view(own_ipv6=["fd00::1", "fe80::1"], gateways=[], own_addresses=[])
    assert found(local).verdict == NO_GATEWAY


def test_confirmed_by_ipv6_while_nobody_has_tried_ipv4() -> None:
    in6 = Tally(2, 0, OWN6, 4242)
    for seen, verdict in (
        (view(own_ipv6=[OWN6], mappings=[mapping()]), MAPPED),
        (view(own_ipv6=[OWN6], own_addresses=[WAN]), PUBLIC),
    ):
        told = found(seen, NOBODY, in6)
        assert (told.verdict, told.verified, told.confirmations) == (verdict, True, 2)
        assert told.external_address == WAN
        assert "by IPv6" in told.advice
        assert "by IPv6" not in found(seen, Tally(1, 0, WAN, 4242), in6).advice
        assert not found(seen, NOBODY, Tally(0, 2, OWN6, 4242)).verified


def test_as_json() -> None:
    data = found(view(mappings=[mapping()]), Tally(1, 0, WAN, 4243)).to_data()
    advice = data.pop("advice")
    assert isinstance(advice, str)
    assert data == {
        "verdict": "mapped",
        "verified": True,
        "method": "pcp",
        "externalAddress": WAN,
        "externalPort": 4243,
        "confirmations": 1,
    }


def test_networks() -> None:
    assert network_of("5.6.7.8") == b"\x05\x06"
    assert network_of("::ffff:5.6.7.8") == b"\x05\x06"
    assert network_of("2a01:4f8:1::1") == b"\x2a\x01\x04\xf8"
    for address in (
        "192.168.1.1",
        "127.0.0.1",
        "fe80::1",
        "fd00::1",
        "100.64.1.1",
        "",
        "a.example",
    ):
        assert network_of(address) is None
        assert not is_elsewhere(address, [])
    assert is_elsewhere("5.6.7.8", [])
    assert is_elsewhere("5.6.7.8", [HOME, "5.7.7.8", OWN6, "garbage"])
    assert not is_elsewhere("5.6.7.8", [HOME, "5.6.255.1"])
    assert not is_elsewhere("2a01:4f8:ffff::1", [OWN6])
    assert is_elsewhere("2a01:4f9::1", [OWN6])


def test_two_of_three_agree_and_one_suffices_where_there_are_fewer() -> None:
    decided = {
        (0, 0): None,
        (1, 0): True,
        (0, 1): False,
        (1, 1): True,
        (0, 2): False,
        (3, 0): True,
        (2, 1): True,
        (1, 2): False,
        (0, 3): False,
    }
    for counts in sorted(decided):
        assert Tally(counts[0], counts[1]).reached is decided[counts], counts


def test_tally() -> None:
    counted = tally([(True, "5.6.7.8"), (False, "9.9.9.9"), (True, "5.6.7.8")], 4243)
    assert (counted.confirmed, counted.failed) == (2, 1)
    assert (counted.address, counted.port) == ("5.6.7.8", 4243)
    # Who got through knows where; otherwise the most do.
    assert (
        tally([(True, "5.6.7.8"), (False, "9.9.9.9"), (False, "9.9.9.9")], 1).address == "5.6.7.8"
    )
    assert (
        tally([(False, "1.1.1.1"), (False, "9.9.9.9"), (False, "9.9.9.9")], 1).address == "9.9.9.9"
    )
    assert tally([], 1).address is None
