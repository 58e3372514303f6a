"""IP addresses: literals to bytes and back, and what each is good for.

An address is 4 bytes (IPv4) or 16 bytes (IPv6), in network order. Zones ("%eth0") are no part of
an address and are refused.
"""

# "::ffff:" and the longest dotted quad, with every leading zero written.
MAX_LITERAL_CHARS = 45

IPV4_BYTES = 4
IPV6_BYTES = 16

_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 section 2.5.5.2

_DECIMAL = "0123456789"
_HEX = "0123456789abcdefABCDEF"
_MAX_OCTET = 255
_MAX_OCTET_DIGITS = 3
_MAX_GROUP_DIGITS = 4
_GROUPS = 8
_MIN_ZERO_RUN = 2  # RFC 5952 section 4.2.2: a single group of zeros is not shortened

# (kind, first bytes, bits of them that count), the narrower before the wider. IANA's registries of
# special-purpose addresses; what is not reachable from everywhere counts as reserved.
_IPV4_KINDS = (
    ("unspecified", bytes(4), 32),
    ("reserved", b"\x00", 8),
    ("private", b"\x0a", 8),
    ("cgnat", b"\x64\x40", 10),  # RFC 6598
    ("loopback", b"\x7f", 8),
    ("link-local", b"\xa9\xfe", 16),
    ("private", b"\xac\x10", 12),
    ("reserved", b"\xc0\x00\x00", 24),  # RFC 6890; DS-Lite among them
    ("reserved", b"\xc0\x00\x02", 24),  # documentation, RFC 5737
    ("reserved", b"\xc0\x58\x63", 24),  # 6to4 relays, RFC 7526
    ("private", b"\xc0\xa8", 16),
    ("reserved", b"\xc6\x12", 15),  # benchmarks, RFC 2544
    ("reserved", b"\xc6\x33\x64", 24),
    ("reserved", b"\xcb\x00\x71", 24),
    ("multicast", b"\xe0", 4),
    ("reserved", b"\xf0", 4),
    ("global", b"", 0),
)
_IPV6_KINDS = (
    ("unspecified", bytes(16), 128),
    ("loopback", bytes(15) + b"\x01", 128),
    ("link-local", b"\xfe\x80", 10),
    ("ula", b"\xfc", 7),
    ("multicast", b"\xff", 8),
    ("reserved", b"\x20\x01\x00", 23),  # RFC 2928; Teredo among them
    ("reserved", b"\x20\x01\x0d\xb8", 32),  # documentation, RFC 3849
    ("reserved", b"\x20\x02", 16),  # 6to4, RFC 7526
    ("reserved", b"\x3f\xff\x00", 20),  # documentation, RFC 9637
    ("global", b"\x20", 3),
    ("reserved", b"", 0),
)


def parse_ip(text: str) -> "bytes | None":
    """Give the bytes of an IPv4 or IPv6 literal; None for anything else, leading zeros included."""
    if len(text) > MAX_LITERAL_CHARS:
        return None
    return _parse_v6(text) if ":" in text else _parse_v4(text)


def format_ip(address: bytes) -> str:
    """Give the literal of an address; IPv6 as RFC 5952 wants it.

    Raises `ValueError` unless it has 4 or 16 bytes.
    """
    if len(address) == IPV4_BYTES:
        return ".".join([str(octet) for octet in address])
    if len(address) != IPV6_BYTES:
        raise ValueError("an address has 4 or 16 bytes")
    if address[:12] == _MAPPED:
        return "::ffff:" + format_ip(address[12:])
    groups = [f"{address[at] << 8 | address[at + 1]:x}" for at in range(0, IPV6_BYTES, 2)]
    start, length = _zero_run(groups)
    if length < _MIN_ZERO_RUN:
        return ":".join(groups)
    return ":".join(groups[:start]) + "::" + ":".join(groups[start + length :])


def to_mapped(address: bytes) -> bytes:
    """Give 16 bytes for any address: an IPv4 one as IPv4-mapped IPv6."""
    return _MAPPED + address if len(address) == IPV4_BYTES else address


def from_mapped(address: bytes) -> bytes:
    """Give the 4 bytes of an IPv4-mapped address, any other one as it is."""
    return address[12:] if len(address) == IPV6_BYTES and address[:12] == _MAPPED else address


def kind(address: bytes) -> str:
    """Tell what an address is; an IPv4-mapped one is what its IPv4 address is.

    One of "global", "private" (RFC 1918), "cgnat" (100.64/10), "loopback", "link-local",
    "multicast", "unspecified", "ula" (fc00::/7), and "reserved" for all that is not to be met on
    the Internet: documentation, benchmarks, transition mechanisms, what nobody has been given.
    """
    address = from_mapped(address)
    kinds = _IPV4_KINDS if len(address) == IPV4_BYTES else _IPV6_KINDS
    for name, prefix, bits in kinds:
        if _begins(address, prefix, bits):
            return name
    raise AssertionError("the last entry is for any address")


def is_global(text: str) -> bool:
    """Tell whether `text` is the literal of an address that hosts anywhere could reach."""
    address = parse_ip(text)
    return address is not None and kind(address) == "global"


def _begins(address: bytes, prefix: bytes, bits: int) -> bool:
    whole, rest = bits >> 3, bits & 7
    if address[:whole] != prefix[:whole]:
        return False
    return not rest or (address[whole] ^ prefix[whole]) >> (8 - rest) == 0


def _parse_v4(text: str) -> "bytes | None":
    parts = text.split(".")
    if len(parts) != IPV4_BYTES:
        return None
    octets = []
    for part in parts:
        if not 0 < len(part) <= _MAX_OCTET_DIGITS or not _made_of(part, _DECIMAL):
            return None
        # "010" is 8 to some readers and 10 to others.
        if part[0] == "0" and part != "0":
            return None
        octets.append(int(part))
    return bytes(octets) if max(octets) <= _MAX_OCTET else None


def _parse_v6(text: str) -> "bytes | None":
    halves = text.split("::")
    if len(halves) == 1:
        address = _parse_groups(text, last=True)
        return address if address is not None and len(address) == IPV6_BYTES else None
    if len(halves) != 2:  # noqa: PLR2004 - "::" stands once at most
        return None
    head = _parse_groups(halves[0], last=False) if halves[0] else b""
    tail = _parse_groups(halves[1], last=True) if halves[1] else b""
    if head is None or tail is None:
        return None
    missing = IPV6_BYTES - len(head) - len(tail)
    return head + bytes(missing) + tail if missing > 0 else None


def _parse_groups(text: str, *, last: bool) -> "bytes | None":
    """Read groups between colons; the `last` of an address may be a dotted quad."""
    groups = text.split(":")
    if len(groups) > _GROUPS:
        return None
    data = b""
    for index, group in enumerate(groups):
        if "." in group:
            quad = _parse_v4(group) if last and index == len(groups) - 1 else None
            if quad is None:
                return None
            data += quad
        elif 0 < len(group) <= _MAX_GROUP_DIGITS and _made_of(group, _HEX):
            value = int(group, 16)
            data += bytes((value >> 8, value & 0xFF))
        else:
            return None
    return data


def _zero_run(groups: "list[str]") -> "tuple[int, int]":
    """Give where the first longest run of zero groups begins, and its length."""
    best = (0, 0)
    length = 0
    for index, group in enumerate(groups):
        length = length + 1 if group == "0" else 0
        if length > best[1]:
            best = (index - length + 1, length)
    return best


def _made_of(text: str, characters: str) -> bool:
    # Not isdigit(): it takes digits of other scripts.
    return all(character in characters for character in text)
