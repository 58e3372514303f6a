"""Finding gateways and addresses in what netifaces tells."""

import netifaces
import pytest

from edgenode.reach import gateways
from edgenode.reach.gateways import MAX_GATEWAYS, MAX_IPV6_ADDRESSES, Network, find_network
from edgenode.reach.method import Gateway

V4, V6 = netifaces.AF_INET, netifaces.AF_INET6


class Host:
    """Stands for netifaces."""

    AF_INET, AF_INET6 = V4, V6

    def __init__(self) -> None:
        self.known: dict[object, object] = {"default": {}}
        self.addresses: dict[str, dict[int, list[dict[str, str]]]] = {}

    def gateways(self) -> dict[object, object]:
        return self.known

    def interfaces(self) -> list[str]:
        return list(self.addresses)

    def ifaddresses(self, name: str) -> dict[int, list[dict[str, str]]]:
        if name not in self.addresses:
            raise ValueError("You must specify a valid interface name.")
        return self.addresses[name]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    monkeypatch.setattr(gateways, "netifaces", host)
    return host


def v4(*addresses: str) -> list[dict[str, str]]:
    return [{"addr": address, "netmask": "255.255.255.0"} for address in addresses]


def v6(*addresses: str) -> list[dict[str, str]]:
    return [{"addr": address, "netmask": "ffff:ffff:ffff:ffff::/64"} for address in addresses]


def test_all_gateways_of_both_families_are_found(host: Host) -> None:
    host.known |= {
        V4: [("192.168.8.1", "wwan0", False), ("192.168.1.1", "eth0", True)],
        V6: [("fe80::1", "eth0", True), ("fe80::2%wlan0", "wlan0", False)],
    }
    host.addresses = {
        "lo": {V4: v4("127.0.0.1"), V6: v6("::1")},
        "wlan0": {V6: v6("2a00:2::5", "fe80::5%wlan0")},
        "wwan0": {V4: v4("192.168.8.5")},
        "eth0": {
            V4: v4("10.0.0.1", "192.168.1.20"),
            V6: v6("2a00:1::20", "fd00::20", "fe80::20%eth0", "2a00:1::abcd"),
        },
    }
    assert find_network() == Network(
        (
            Gateway("192.168.1.1", "eth0", "192.168.1.20", ipv6=False),
            Gateway("192.168.8.1", "wwan0", "192.168.8.5", ipv6=False),
            Gateway("fe80::1", "eth0", "2a00:1::20", ipv6=True),
            Gateway("fe80::1", "eth0", "2a00:1::abcd", ipv6=True),
            Gateway("fe80::2", "wlan0", "2a00:2::5", ipv6=True),
        ),
        ("192.168.1.20", "192.168.8.5"),
        ("2a00:1::20", "2a00:1::abcd", "2a00:2::5"),
    )


def test_a_gateway_outside_of_our_network_is_seen_from_the_interfaces_own_address(
    host: Host,
) -> None:
    host.known[V4] = [("172.31.1.1", "eth0", True)]
    host.addresses = {"eth0": {V4: [{"addr": "81.2.69.9", "netmask": "255.255.255.255"}]}}
    assert find_network().gateways == (Gateway("172.31.1.1", "eth0", "81.2.69.9", ipv6=False),)


def test_without_an_address_or_an_interface_there_is_no_gateway(host: Host) -> None:
    host.known |= {V4: [("192.168.1.1", "eth0", True), ("10.0.0.1", "gone0", False)]}
    host.known |= {V6: [("fe80::1", "eth0", True)]}
    host.addresses = {"eth0": {V6: v6("fd00::2", "fe80::2%eth0")}}
    assert find_network() == Network((), (), ())


def test_many_are_cut_to_a_bound_the_default_route_first(host: Host) -> None:
    host.known |= {
        V4: [(f"10.0.{n}.1", f"e{n}", n == 30) for n in range(40)],
        V6: [("fe80::1", "e1", True)],
    }
    host.addresses = {f"e{n}": {V4: v4(f"10.0.{n}.2")} for n in range(40)}
    host.addresses["e1"][V6] = v6(*(f"2a00::{n:x}" for n in range(1, 40)))
    network = find_network()
    assert sum(not one.ipv6 for one in network.gateways) == MAX_GATEWAYS
    assert sum(one.ipv6 for one in network.gateways) == MAX_IPV6_ADDRESSES
    assert len(network.own_ipv6) == MAX_IPV6_ADDRESSES
    assert network.gateways[0].interface == "e30"


def test_this_machine_is_looked_at_without_trouble() -> None:
    assert isinstance(find_network(), Network)
