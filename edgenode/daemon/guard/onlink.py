"""The networks that this host is on, looked up when someone asks, and kept for a moment."""

import time
from collections.abc import Callable

import netifaces

from edgenode.core.ip import IPV4_BYTES, parse_ip
from edgenode.core.onlink import local_prefixes, within

# A look costs 0.3 ms; a network that has changed is known as soon as anybody has reloaded a page.
KEEP_S = 10.0

# More than hosts with a network for each container have; each is compared with who comes.
MAX_PREFIXES = 64


class OnLink:
    """Tells of an address which local network of this host it is on."""

    def __init__(
        self,
        interfaces: Callable[[], list[list[tuple[bytes, int]]]] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`interfaces()` gives the (address, prefix length) pairs of each interface."""
        self._interfaces = interfaces or own_interfaces
        self._now_s = now_s
        self._prefixes: list[tuple[bytes, int]] = []
        self._until = -1.0

    def network_of(self, address: bytes) -> bytes | None:
        """Return the prefix of the network that an address (4 or 16 bytes) is on, else None."""
        if self._now_s() >= self._until:
            self._prefixes = local_prefixes(self._interfaces())[:MAX_PREFIXES]
            self._until = self._now_s() + KEEP_S
        for prefix, bits in self._prefixes:
            if within(address, prefix, bits):
                return prefix
        return None


def own_interfaces() -> list[list[tuple[bytes, int]]]:
    """Return the addresses of each interface but loopback, with their prefix lengths."""
    found = []
    for name in netifaces.interfaces():
        try:
            families = netifaces.ifaddresses(name)
        except (ValueError, OSError):  # it has gone since it was listed
            continue
        entries = [*families.get(netifaces.AF_INET, ()), *families.get(netifaces.AF_INET6, ())]
        pairs = [pair for entry in entries if (pair := _pair(entry)) is not None]
        if pairs:
            found.append(pairs)
    return found


def _pair(entry: dict[str, str]) -> tuple[bytes, int] | None:
    # IPv6 addresses may have a zone, and their masks a length: ffff:ffff:ffff:ffff::/64.
    address = parse_ip(str(entry.get("addr", "")).partition("%")[0])
    mask = parse_ip(str(entry.get("netmask", "")).partition("/")[0])
    if address is None or mask is None or len(address) != len(mask):
        return None
    if address[0] == 127 and len(address) == IPV4_BYTES:  # noqa: PLR2004 - RFC 1122's loopback
        return None
    return address, sum(byte.bit_count() for byte in mask)
