"""The interfaces that neighbours are behind, and which addresses are on-link there."""

import fcntl
import socket
import struct
from typing import NamedTuple

import netifaces

from edgenode.core.ip import IPV4_BYTES, IPV6_BYTES, format_ip, from_mapped, kind, parse_ip

MAX_INTERFACES = 16
"""A socket may join 20 groups of IPv4 (net.ipv4.igmp_max_memberships); a home's host has three."""

MAX_ADDRESSES = 8
"""Of one interface and family; IPv6 has three or four by itself."""

_NEVER = ("loopback", "unspecified", "multicast")

_SIOCGIFFLAGS = 0x8913  # <linux/sockios.h>
_LOOPBACK = 0x8  # <linux/if.h>
_NEEDED = 0x1 | 0x40 | 0x1000  # up, running (a cable, a Wi-Fi), multicast
_REQUEST = struct.Struct("=16sH22x")  # struct ifreq with ifr_flags


class Subnet(NamedTuple):
    """An address of an interface and the length of its prefix in bits."""

    address: bytes
    bits: int


class Interface(NamedTuple):
    """An interface that is up, can multicast, and has addresses."""

    name: str
    number: int
    """The kernel's index of it."""
    subnets: tuple[Subnet, ...]

    @property
    def ipv4(self) -> str:
        """Its first IPv4 address, "" without one."""
        return next(
            (format_ip(net.address) for net in self.subnets if len(net.address) == IPV4_BYTES), ""
        )

    @property
    def has_ipv6(self) -> bool:
        """Whether it has an IPv6 address."""
        return any(len(net.address) == IPV6_BYTES for net in self.subnets)


def find_interfaces() -> tuple[Interface, ...]:
    """Return those of this host, ordered, so that two results are equal where nothing changed."""
    try:
        return _find()
    except OSError:  # the system forbids it, or is out of descriptors: as good as no network
        return ()


def _find() -> tuple[Interface, ...]:
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for name in sorted(netifaces.interfaces()):
            flags = _flags(asked, name)
            if flags & _NEEDED != _NEEDED or flags & _LOOPBACK:
                continue
            try:
                number = socket.if_nametoindex(name)
                known = netifaces.ifaddresses(name)
            except (OSError, ValueError):  # it has gone meanwhile
                continue
            subnets = [
                subnet
                for family in (netifaces.AF_INET, netifaces.AF_INET6)
                for subnet in _subnets(known.get(family, ()))
            ]
            if subnets:
                found.append(Interface(name, number, tuple(subnets)))
    # Those of containers, which are ports of a bridge, have a link-local address alone.
    found.sort(key=lambda each: not each.ipv4)
    return tuple(found[:MAX_INTERFACES])


def on_link(
    address: bytes, interfaces: tuple[Interface, ...], heard_on: int = 0
) -> Interface | None:
    """Return the interface behind which `address` is reached without a router, else None.

    `heard_on`: the number of the interface that it was heard on, 0 where that is not known; a
    link-local IPv6 address may be behind any, so that of an unknown one is of no use.
    """
    found = kind(address)
    if found in _NEVER or (found == "link-local" and len(address) == IPV6_BYTES and not heard_on):
        return None
    for interface in interfaces:
        if heard_on in (0, interface.number) and any(
            len(subnet.address) == len(address) and _same(subnet, address)
            for subnet in interface.subnets
        ):
            return interface
    return None


def bound_alone(bind: str) -> str:
    """Return the one address that a port is bound to, "" where it is bound to all."""
    address = parse_ip(bind)
    return "" if address is None or kind(address) == "unspecified" else format_ip(address)


def literal(address: bytes, interface: Interface) -> str:
    """Return an on-link address as text, with its zone if it needs one: `fe80::1%eth0`."""
    zoned = len(address) == IPV6_BYTES and kind(address) == "link-local"
    return format_ip(address) + (f"%{interface.name}" if zoned else "")


def _subnets(entries: "list[dict[str, str]]") -> list[Subnet]:
    found = []
    for entry in entries:
        address = parse_ip(str(entry.get("addr", "")).partition("%")[0])
        mask_text = str(entry.get("netmask") or entry.get("mask") or "")
        bits = _bits(mask_text)
        if address is None or bits is None:
            continue
        if kind(address) not in _NEVER:
            found.append(Subnet(from_mapped(address), bits))
    # Sorted: the kernel's order changes with each address that is renewed.
    return sorted(found)[:MAX_ADDRESSES]


def _bits(mask: str) -> int | None:
    """Read "255.255.255.0", "ffff:ffff::" or "ffff:ffff::/64"."""
    literal, _, length = mask.partition("/")
    if length.isdecimal():
        return int(length)
    packed = parse_ip(literal)
    return None if packed is None else int.from_bytes(packed, "big").bit_count()


def _same(subnet: Subnet, address: bytes) -> bool:
    shift = 8 * len(address) - subnet.bits
    return shift >= 0 and (
        int.from_bytes(address, "big") >> shift == int.from_bytes(subnet.address, "big") >> shift
    )


def _flags(asked: socket.socket, name: str) -> int:
    try:
        reply = fcntl.ioctl(asked, _SIOCGIFFLAGS, _REQUEST.pack(name.encode()[:15], 0))
    except OSError:
        return 0
    flags: int = _REQUEST.unpack(reply)[1]
    return flags
