"""Which global addresses are a home's, and which are strangers'."""

from edgenode.core.ip import parse_ip
from edgenode.core.onlink import local_prefixes, within


def packed(text: str) -> bytes:
    found = parse_ip(text)
    assert found is not None
    return found


def prefixes(*interfaces: str) -> "list[tuple[bytes, int]]":
    pairs = [
        [(packed(text.split("/")[0]), int(text.split("/")[1])) for text in interface.split()]
        for interface in interfaces
    ]
    return local_prefixes(pairs)


def covers(found: "list[tuple[bytes, int]]", address: str) -> bool:
    return any(within(packed(address), prefix, bits) for prefix, bits in found)


HOMES = (
    "192.168.1.5/24 2a01:4f8:1:2::5/64",
    "fd00::5/64 2a01:4f8:1:2::5/64",
    "fe80::5/64 10.0.0.5/8 2a01:4f8:1:2::5/64",
)

PROVIDERS = (
    "2a01:4f8:1:2::5/64",  # nothing says that it is a home
    "203.1.1.5/24 2a01:4f8:1:2::5/64",  # a host on its provider's network
    "203.1.1.5/24 192.168.1.5/24 2a01:4f8:1:2::5/64",
    "100.64.0.5/24 2a01:4f8:1:2::5/64",
    "100.64.0.5/24 fd00::5/64 2a01:4f8:1:2::5/64",
    "192.168.1.5/24 2a01:4f8:1:2::5/48",  # a site is no link
    "192.168.1.5/24 2a01:4f8:1:2::5/128",
)


def test_the_ipv6_prefix_of_a_home_is_local() -> None:
    for interface in HOMES:
        found = prefixes(interface)
        assert covers(found, "2a01:4f8:1:2:ffff::1"), interface
        assert not covers(found, "2a01:4f8:1:3::1"), interface


def test_the_ipv6_prefix_of_a_provider_is_not() -> None:
    for interface in PROVIDERS:
        assert not covers(prefixes(interface), "2a01:4f8:1:2::6"), interface


def test_another_interface_proves_nothing() -> None:
    found = prefixes("192.168.1.5/24", "2a01:4f8:1:2::5/64")
    assert not covers(found, "2a01:4f8:1:2::6")


def test_ipv4_neighbours_at_a_provider_are_strangers() -> None:
    assert prefixes("203.1.1.5/24", "100.64.0.5/10") == []


def test_private_networks_are_local_with_their_prefix() -> None:
    found = prefixes("192.168.1.5/22 fe80::1/64", "172.17.0.1/16")
    assert covers(found, "192.168.0.9")
    assert covers(found, "172.17.255.1")
    assert covers(found, "fe80::9")
    assert not covers(found, "192.168.4.1")
    assert len(found) == 3


def test_a_network_is_told_once() -> None:
    assert len(prefixes("192.168.1.5/24 192.168.1.6/24")) == 1
