"""The laboratory's networks do what it says of them."""

import socket

import pytest

from tests.lab.support.lab import Lab
from tests.lab.support.miniupnpd import Offers
from tests.lab.support.namespace import CommandFailed
from tests.lab.support.rules import Rule, losing
from tests.lab.support.talk import listen, shut_out, source


def test_nat_hides_who_is_behind_it(lab: Lab) -> None:
    home, public = lab.home("a", None), lab.host("public")
    with listen(public.namespace) as server:
        assert source(home.host.namespace, public.address, server) == home.router.wan.address
    with listen(home.host.namespace) as server:
        assert source(home.router.namespace, home.host.address, server) == home.router.address
        assert shut_out(public.namespace, home.router.wan.address)
        with pytest.raises(OSError, match="unreachable"):
            source(public.namespace, home.host.address, server)


def test_firewall_lets_ipv6_out_and_not_in(lab: Lab) -> None:
    home, public = lab.home("a", None), lab.host("public")
    with listen(public.namespace) as server:
        assert source(home.host.namespace, public.address6, server) == home.host.address6
    with listen(home.host.namespace) as server:
        assert source(home.router.namespace, home.host.address6, server)
        assert shut_out(public.namespace, home.host.address6)


def test_some_routers_let_everyone_in_by_ipv6(lab: Lab) -> None:
    home, public = lab.home("a", None, ipv6_open=True), lab.host("public")
    with listen(home.host.namespace) as server:
        assert source(public.namespace, home.host.address6, server) == public.address6
        assert shut_out(public.namespace, home.router.wan.address)


def test_homes_do_not_reach_one_another_but_by_the_wan(lab: Lab) -> None:
    """They have the same LAN, as most do."""
    a, b = lab.home("a", None), lab.home("b", None)
    assert a.host.address == b.host.address
    with listen(b.host.namespace):
        assert shut_out(a.host.namespace, b.host.address)
        assert shut_out(a.host.namespace, b.router.wan.address)
        assert shut_out(a.host.namespace, b.host.address6)


def test_router_behind_a_router(lab: Lab) -> None:
    public = lab.host("public")
    for name, lan in (("private", "10.0.0"), ("shared", "100.64.0")):
        provider = lab.router(f"{name}-provider", lan=lan)
        home = lab.home(name, None, provider)
        assert home.router.wan.address.startswith(f"{lan}.")
        assert not home.router.ipv6
        with listen(public.namespace) as server:
            seen = source(home.host.namespace, public.address, server)
        assert seen == provider.wan.address


def test_nothing_leads_out_of_the_laboratory() -> None:
    """The machine's own namespace gets no interface, and the WAN knows no way further."""
    before = set(socket.if_nameindex())
    with Lab() as lab:
        lab.home("a", Offers())
        assert set(socket.if_nameindex()) == before
        for family in ("-4", "-6"):
            assert lab.wan.namespace.run("ip", family, "route", "show", "default") == ""


def test_second_router_of_a_host_is_used_when_the_first_is_cut(lab: Lab) -> None:
    first, second = lab.router("first"), lab.router("second", lan="192.168.2")
    host, public = lab.host("host", first, second), lab.host("public")
    with listen(public.namespace) as server:
        assert source(host.namespace, public.address, server) == first.wan.address
        host.cut(0)
        assert source(host.namespace, public.address, server) == second.wan.address
        host.mend(0)
        assert source(host.namespace, public.address, server) == first.wan.address
        assert source(host.namespace, public.address6, server) == host.address6
        host.lose_routes()
        with pytest.raises(OSError, match="unreachable"):
            source(host.namespace, public.address, server)


def test_wan_address_changes(lab: Lab) -> None:
    home, public = lab.home("a", None), lab.host("public")
    before = home.router.wan.address
    after = home.router.change_wan_address()
    assert after != before
    with listen(public.namespace) as server:
        assert source(home.host.namespace, public.address, server) == after


def test_rules_count_and_drop_until_they_end(lab: Lab) -> None:
    home, public = lab.home("a", None), lab.host("public")
    with listen(public.namespace) as server, Rule(public.namespace, "tcp dport 4242") as seen:
        with Rule(home.router.namespace, "tcp dport 4242", drop=True) as dropped:
            assert shut_out(home.host.namespace, public.address)
            assert (dropped.packets, seen.packets) == (1, 0)
        source(home.host.namespace, public.address, server)
        assert seen.packets >= 3


def test_loss_is_about_what_is_asked(lab: Lab) -> None:
    a, b = lab.host("a"), lab.host("b")
    with (
        Rule(b.namespace, "udp dport 9"),
        Rule(b.namespace, f"udp dport 9 {losing(20)}", drop=True) as lost,
        a.namespace.inside(),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.bind(("", 0))
        for _ in range(500):
            sender.sendto(b"", (b.address, 9))
        assert 50 < lost.packets < 150  # five standard deviations


def test_command_that_fails_says_why(lab: Lab) -> None:
    with pytest.raises(CommandFailed, match="Cannot find device"):
        lab.wan.namespace.run("ip", "link", "set", "nowhere", "up")
