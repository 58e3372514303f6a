"""Addresses: which text is one, and which are of this host or its local network."""

import re
import socket

LOCAL_PREFIXES = (
    ("127.0.0.0", 8),  # loopback, RFC 1122
    ("10.0.0.0", 8),  # private, RFC 1918
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("169.254.0.0", 16),  # link-local, RFC 3927
    ("::1", 128),  # loopback, RFC 4291
    ("fc00::", 7),  # unique local, RFC 4193
    ("fe80::", 10),  # link-local, RFC 4291
)
"""Sources on this host or its network.

Not 100.64.0.0/10 (RFC 6598): behind a provider's NAT those are other customers.
"""

MAX_NAME_CHARS = 253
"""RFC 1035, 2.3.4, as text without the final dot."""

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
"""RFC 1123, 2.1, and the underscore that home networks have."""

_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,15}")
"""The name of a network interface."""

_MAPPED = bytes(10) + b"\xff\xff"
"""What begins an IPv4 address in IPv6 form (RFC 4291, 2.5.5.2)."""


def packed_address(text: str) -> bytes | None:
    """Return the 4 or 16 bytes of an address, or None if `text` is none.

    A zone (`%eth0`) is dropped; an IPv4-mapped IPv6 address counts as the IPv4 address.
    """
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        packed = socket.inet_pton(family, text.partition("%")[0])
    except (OSError, ValueError):
        return None
    return packed[len(_MAPPED) :] if packed.startswith(_MAPPED) else packed


def is_host(text: str) -> bool:
    """Tell whether `text` can be called: an IP address, or a name of the DNS or mDNS.

    A link-local address may have its zone (`fe80::1%eth0`, RFC 4007). A name does not end in
    digits alone, which some resolvers take for an address (RFC 3696, 2).
    """
    address, percent, zone = text.partition("%")
    if packed_address(address) is not None:
        return not percent or (address.lower().startswith("fe80:") and bool(_ZONE.fullmatch(zone)))
    labels = text.removesuffix(".").split(".")
    return (
        len(text) <= MAX_NAME_CHARS
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdecimal()
        and not labels[-1].lower().startswith("0x")
    )


def is_local(text: str) -> bool:
    """Tell whether `text` is an address of `LOCAL_PREFIXES`."""
    packed = packed_address(text)
    return packed is not None and any(_within(packed, *prefix) for prefix in _PACKED_PREFIXES)


def _within(packed: bytes, prefix: bytes, bits: int) -> bool:
    shift = len(prefix) * 8 - bits
    return len(packed) == len(prefix) and (
        int.from_bytes(packed, "big") >> shift == int.from_bytes(prefix, "big") >> shift
    )


_PACKED_PREFIXES = tuple(
    (packed, bits) for text, bits in LOCAL_PREFIXES if (packed := packed_address(text))
)
