"""The real gateway daemon: what it answers to clients that are not ours, and the filters."""

import struct

import pytest

from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.miniupnpd import (
    NAT_PMP_ALONE,
    PCP_ALONE,
    UPNP_ALONE,
    Mapping,
    Offers,
    filter_upnp,
)
from tests.lab.support.namespace import CommandFailed
from tests.lab.support.rules import Rule
from tests.lab.support.talk import (
    SHUT_OUT_S,
    TIMEOUT_S,
    ask,
    listen,
    nat_pmp_address,
    nat_pmp_map,
    pcp_announce,
    pcp_map,
    search,
    shut_out,
    source,
)


def upnpc(host: Host, *arguments: str) -> str:
    """Debian's client, told where the description is: its own search takes two seconds."""
    location = search(host)
    assert location is not None
    return host.namespace.run("upnpc", "-u", location, *arguments)


def pcp_result(answer: bytes | None) -> int:
    assert answer is not None
    assert answer[:2] in (b"\x02\x80", b"\x02\x81")
    return answer[3]


def nat_pmp_result(answer: bytes | None) -> int:
    assert answer is not None
    assert answer[0] == 0
    return int(struct.unpack("!H", answer[2:4])[0])


def test_each_protocol_maps_and_lets_in(lab: Lab) -> None:
    home, public = lab.home("a", Offers()), lab.host("public")
    upnpc(home.host, "-a", home.host.address, "4242", "5001", "TCP")
    assert nat_pmp_result(ask(home.host, nat_pmp_map(5002))) == 0
    assert pcp_result(ask(home.host, pcp_map(home.host.address, 5003))) == 0
    assert home.daemon.mappings == [
        Mapping("TCP", 5001, home.host.address, 4242),
        Mapping("TCP", 5002, home.host.address, 5002),
        Mapping("TCP", 5003, home.host.address, 5003),
    ]
    with listen(home.host.namespace, 5003) as server:
        assert source(public.namespace, home.router.wan.address, server) == public.address
    assert nat_pmp_result(ask(home.host, nat_pmp_map(5002, 0))) == 0
    upnpc(home.host, "-d", "5001", "TCP")
    assert [mapping.port for mapping in home.daemon.mappings] == [5003]


def test_pinhole_lets_in(lab: Lab) -> None:
    home, public = lab.home("a", Offers()), lab.host("public")
    request = pcp_map(home.host.address6, 4242)
    with listen(home.host.namespace) as server:
        assert shut_out(public.namespace, home.host.address6)
        assert pcp_result(ask(home.host, request, ipv6=True)) == 0
        assert source(public.namespace, home.host.address6, server) == public.address6
    assert home.daemon.pinholes == [Mapping("TCP", 4242, home.host.address6, 4242)]
    assert home.daemon.mappings == []


@pytest.mark.parametrize("offers", [PCP_ALONE, NAT_PMP_ALONE, UPNP_ALONE, Offers(), None])
def test_only_what_is_offered_is_answered(lab: Lab, offers: Offers | None) -> None:
    home = lab.home("a", offers)
    offers = offers or Offers(pcp=False, nat_pmp=False, upnp=False)
    for request, offered in (
        (pcp_announce(home.host.address), offers.pcp),
        (nat_pmp_address(), offers.nat_pmp),
    ):
        patience_s = TIMEOUT_S if offered else SHUT_OUT_S
        assert (ask(home.host, request, patience_s=patience_s) is not None) == offered
    if offers.upnp:
        assert f"ExternalIPAddress = {home.router.wan.address}" in upnpc(home.host, "-s")
    else:
        assert search(home.host, patience_s=SHUT_OUT_S) is None


def test_upnp_is_filtered_while_the_daemon_offers_it(lab: Lab) -> None:
    home = lab.home("a", Offers())
    ssdp, http = filter_upnp(home.router)
    assert search(home.host, patience_s=SHUT_OUT_S) is None
    assert ssdp.packets > 0
    ssdp.remove()
    location = search(home.host)
    assert location is not None
    address, port = location.split("/")[2].split(":")
    assert shut_out(home.host.namespace, address, int(port))
    assert http.packets > 0
    http.remove()
    assert not shut_out(home.host.namespace, address, int(port))


@pytest.mark.ci  # its search takes two seconds
def test_debian_client_finds_the_gateway_by_itself(lab: Lab) -> None:
    home = lab.home("a", UPNP_ALONE)
    said = home.host.namespace.run("upnpc", "-m", "eth0", "-s")
    assert f"ExternalIPAddress = {home.router.wan.address}" in said


def test_gateway_that_refuses(lab: Lab) -> None:
    home = lab.home("a", Offers(refuse=True))
    assert pcp_result(ask(home.host, pcp_map(home.host.address, 4242))) == 2
    assert nat_pmp_result(ask(home.host, nat_pmp_map(4242))) == 2
    with pytest.raises(CommandFailed, match="code 606"):
        upnpc(home.host, "-a", home.host.address, "4242", "4242", "TCP")
    assert home.daemon.mappings == []


@pytest.mark.parametrize("lan", ["10.0.0", "100.64.0"])
def test_gateway_behind_another_maps_nothing(lab: Lab, lan: str) -> None:
    home = lab.home("a", Offers(), lab.router("provider", lan=lan))
    assert pcp_result(ask(home.host, pcp_map(home.host.address, 4242))) == 8
    assert nat_pmp_result(ask(home.host, nat_pmp_map(4242))) == 3


def test_restart_keeps_what_is_mapped_and_a_reboot_does_not(lab: Lab) -> None:
    home = lab.home("a", Offers())

    def nat_pmp_works() -> bool:
        return nat_pmp_result(ask(home.host, nat_pmp_map(4242))) == 0

    assert nat_pmp_works()
    with Rule(home.host.namespace, "udp dport 5350") as announces:
        home.daemon.restart()
        assert len(home.daemon.mappings) == 1
        home.daemon.reboot()
        assert home.daemon.mappings == []
        assert announces.packets > 0
    assert nat_pmp_works()
    assert len(home.daemon.mappings) == 1


def test_daemon_follows_a_new_wan_address(lab: Lab) -> None:
    home = lab.home("a", Offers())
    with Rule(home.host.namespace, "udp dport 5350") as announces:
        address = home.router.change_wan_address()
        answer = ask(home.host, nat_pmp_address())
        assert answer is not None
        assert ".".join(map(str, answer[8:12])) == address
        assert announces.packets > 0


def test_dead_gateway_answers_nothing(lab: Lab) -> None:
    home = lab.home("a", Offers())
    home.router.die()
    for request in (nat_pmp_address(), pcp_announce(home.host.address)):
        assert ask(home.host, request, patience_s=SHUT_OUT_S) is None
    assert search(home.host, patience_s=SHUT_OUT_S) is None
