"""Which addresses are on the local network: the rule by which neighbours are told from strangers.

A private address (RFC 1918, fc00::/7, link-local) says by itself that it is of a local network. A
global IPv6 address does not: in a home, neighbours have such addresses, too, of the prefix that
the provider has delegated; but a host right on a provider's network shares its prefix with
strangers. What tells them apart is the interface: in a home it also has a private address that its
router gave it, or a unique local one, and none of the Internet's IPv4 or a provider's NAT.
"""

from edgenode.core.ip import kind

# The prefix that hosts configure themselves in (RFC 4862); wider is a site, of which one link says
# nothing.
MIN_IPV6_BITS = 64
# A network of two at least has a neighbour in it.
MAX_IPV6_BITS = 126
MIN_IPV4_BITS = 8
MAX_IPV4_BITS = 30

_OF_A_HOME = ("private", "ula")
_OF_A_PROVIDER = ("global", "cgnat")
_IPV4_BYTES = 4


def local_prefixes(
    interfaces: "list[list[tuple[bytes, int]]]",
) -> "list[tuple[bytes, int]]":
    """Give the local networks of a host, each as (prefix, bits), the rest of the prefix zero.

    `interfaces` has the (address, prefix length) pairs of each interface. Of a network of global
    IPv4 addresses, or of a provider's NAT (100.64/10), never: its other hosts are strangers.
    """
    found: list[tuple[bytes, int]] = []
    for addresses in interfaces:
        kinds = [(kind(address), address, bits) for address, bits in addresses]
        is_home = any(name in _OF_A_HOME for name, _, _ in kinds) and not any(
            name in _OF_A_PROVIDER and len(address) == _IPV4_BYTES for name, address, _ in kinds
        )
        for name, address, bits in kinds:
            if name in ("private", "ula", "link-local") or (name == "global" and is_home):
                low, high = (
                    (MIN_IPV4_BITS, MAX_IPV4_BITS)
                    if len(address) == _IPV4_BYTES
                    else (MIN_IPV6_BITS, MAX_IPV6_BITS)
                )
                prefix = (_masked(address, bits), bits)
                if low <= bits <= high and prefix not in found:
                    found.append(prefix)
    return found


def within(address: bytes, prefix: bytes, bits: int) -> bool:
    """Tell whether an address is in a network."""
    return len(address) == len(prefix) and _masked(address, bits) == prefix


def _masked(address: bytes, bits: int) -> bytes:
    whole, rest = bits >> 3, bits & 7
    head = address[:whole]
    if rest:
        head += bytes((address[whole] & (0xFF00 >> rest) & 0xFF,))
    return head + bytes(len(address) - len(head))
