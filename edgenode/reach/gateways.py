"""The default gateways of this host, and its own addresses towards them."""

from typing import NamedTuple

import netifaces

from edgenode.core.ip import kind, parse_ip
from edgenode.reach.method import Gateway

# A home has one or two. What a host with a hundred virtual networks has beyond is not asked.
MAX_GATEWAYS = 8
# Each has a pinhole of its own, which costs packets; a home's host has one to four.
MAX_IPV6_ADDRESSES = 8

# Kinds of IPv6 addresses that may be reached from elsewhere; "reserved" has 6to4 among it.
_REACHABLE = ("global", "reserved")


class Network(NamedTuple):
    """Gateways and addresses at one moment."""

    gateways: tuple[Gateway, ...]  # of IPv6 one entry for each own global address on its interface
    own_addresses: tuple[str, ...]
    own_ipv6: tuple[str, ...]


def find_network() -> Network:
    """Return all default gateways of both families, on every interface, and our addresses.

    An IPv4 gateway comes with our address of its network. Ordered, so that two results are equal
    where nothing has changed. Takes about 0.3 ms: two dumps from the kernel, no network.
    """
    known = netifaces.gateways()
    ipv4, ipv6 = [], []
    own_ipv6: list[str] = []
    for name in sorted(netifaces.interfaces()):
        own_ipv6 += _global_ipv6(name)
    # The default route first, then the other ones by name.
    for address, interface, _ in _ordered(known.get(netifaces.AF_INET, [])):
        own = _own_ipv4(interface, address)
        if own is not None:
            ipv4.append(Gateway(address, interface, own, ipv6=False))
    for zoned, interface, _ in _ordered(known.get(netifaces.AF_INET6, [])):
        address = zoned.partition("%")[0]
        ipv6 += [Gateway(address, interface, own, ipv6=True) for own in _global_ipv6(interface)]
    gateways = tuple(dict.fromkeys([*ipv4[:MAX_GATEWAYS], *ipv6[:MAX_IPV6_ADDRESSES]]))
    return Network(
        gateways,
        tuple(dict.fromkeys(gateway.own_address for gateway in gateways if not gateway.ipv6)),
        tuple(dict.fromkeys(own_ipv6))[:MAX_IPV6_ADDRESSES],
    )


def _ordered(entries: list[tuple[str, str, bool]]) -> list[tuple[str, str, bool]]:
    return sorted(entries, key=lambda entry: (not entry[2], entry[1], entry[0]))


def _global_ipv6(interface: str) -> list[str]:
    found = []
    for entry in _addresses(interface, netifaces.AF_INET6):
        address = str(entry.get("addr", ""))
        packed = parse_ip(address)  # link-local ones have a zone, and so are none
        if packed is not None and kind(packed) in _REACHABLE:
            found.append(address)
    return sorted(found)


def _own_ipv4(interface: str, gateway: str) -> str | None:
    """Return our address in the network of `gateway`, else any of that interface."""
    entries = _addresses(interface, netifaces.AF_INET)
    near = [entry for entry in entries if _shares_network(entry, gateway)]
    return next((str(entry["addr"]) for entry in near or entries if "addr" in entry), None)


def _shares_network(entry: dict[str, str], gateway: str) -> bool:
    own, mask, other = (parse_ip(text) for text in (entry.get("addr", ""), _mask(entry), gateway))
    if own is None or mask is None or other is None:
        return False
    return all(a & m == b & m for a, m, b in zip(own, mask, other, strict=True))


def _mask(entry: dict[str, str]) -> str:
    return entry.get("netmask", "255.255.255.255")


def _addresses(interface: str, family: int) -> list[dict[str, str]]:
    try:
        found: list[dict[str, str]] = netifaces.ifaddresses(interface).get(family, [])
    except (ValueError, OSError):  # it has gone since it was listed
        return []
    return found
