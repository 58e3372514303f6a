"""What is on-link, and where."""

import socket

import netifaces
import pytest

from edgenode.core.ip import parse_ip
from edgenode.discover import interfaces
from edgenode.discover.interfaces import (
    MAX_INTERFACES,
    Interface,
    Subnet,
    bound_alone,
    find_interfaces,
    literal,
    on_link,
)


def subnet(text: str) -> Subnet:
    address, _, bits = text.partition("/")
    packed = parse_ip(address)
    assert packed is not None
    return Subnet(packed, int(bits))


ETH0 = Interface("eth0", 2, (subnet("192.168.1.10/24"), subnet("fe80::1/64"), subnet("2a01::5/64")))
WLAN0 = Interface("wlan0", 3, (subnet("10.0.0.1/8"), subnet("fe80::2/64")))
BOTH = (ETH0, WLAN0)


@pytest.mark.parametrize(
    ("address", "heard_on", "behind", "text"),
    [
        ("192.168.1.77", 0, ETH0, "192.168.1.77"),
        ("192.168.1.10", 0, ETH0, "192.168.1.10"),
        ("192.168.1.77", 3, None, ""),
        ("192.168.2.77", 0, None, ""),
        ("10.99.0.1", 0, WLAN0, "10.99.0.1"),
        ("8.8.8.8", 0, None, ""),
        ("127.0.0.1", 0, None, ""),
        ("224.0.0.251", 0, None, ""),
        ("0.0.0.0", 0, None, ""),
        ("2a01::77", 0, ETH0, "2a01::77"),
        ("2a01:0:0:1::77", 0, None, ""),
        ("fe80::9", 0, None, ""),
        ("fe80::9", 2, ETH0, "fe80::9%eth0"),
        ("fe80::9", 3, WLAN0, "fe80::9%wlan0"),
        ("fe80::9", 4, None, ""),
        ("::1", 2, None, ""),
    ],
)
def test_what_is_on_link(address: str, heard_on: int, behind: Interface | None, text: str) -> None:
    packed = parse_ip(address)
    assert packed is not None
    found = on_link(packed, BOTH, heard_on)
    assert found == behind
    assert ("" if found is None else literal(packed, found)) == text


def test_families() -> None:
    assert (ETH0.ipv4, ETH0.has_ipv6) == ("192.168.1.10", True)
    assert (Interface("x", 4, (subnet("fe80::1/64"),)).ipv4) == ""
    assert not Interface("x", 4, (subnet("10.0.0.1/8"),)).has_ipv6


def test_loopback_is_no_network_of_neighbours() -> None:
    assert all(each.name != "lo" for each in find_interfaces())


@pytest.mark.parametrize(
    ("bind", "alone"),
    [("", ""), ("0.0.0.0", ""), ("::", ""), ("10.0.0.1", "10.0.0.1"), ("2A01::01", "2a01::1")],
)
def test_a_port_bound_to_all_is_bound_to_none_alone(bind: str, alone: str) -> None:
    assert bound_alone(bind) == alone


def test_a_host_with_hundreds_of_containers_has_its_own_networks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"veth{number:03}" for number in range(300)]
    link_local = {netifaces.AF_INET6: [{"addr": "fe80::1", "netmask": "ffff::/64"}]}
    known = dict.fromkeys(names, link_local)
    known["wlan0"] = {netifaces.AF_INET: [{"addr": "10.0.0.1", "netmask": "255.0.0.0"}]}
    monkeypatch.setattr(interfaces, "_flags", lambda asked, name: 0x1041)
    monkeypatch.setattr(netifaces, "interfaces", lambda: list(known))
    monkeypatch.setattr(netifaces, "ifaddresses", known.__getitem__)
    monkeypatch.setattr(socket, "if_nametoindex", lambda name: 1)
    found = find_interfaces()
    assert len(found) == MAX_INTERFACES
    assert found[0] == Interface("wlan0", 1, (subnet("10.0.0.1/8"),))


def test_no_network_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[str]:
        raise OSError("not here")

    monkeypatch.setattr(netifaces, "interfaces", fail)
    assert find_interfaces() == ()
