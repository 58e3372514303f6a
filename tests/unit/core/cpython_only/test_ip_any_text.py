"""IP literals against the standard library's own reading."""

import ipaddress

from hypothesis import example, given
from hypothesis import strategies as st

from edgenode.core.ip import format_ip, is_global, kind, parse_ip

addresses = st.ip_addresses()
near_literals = st.lists(
    st.sampled_from([":", "::", ".", "0", "1", "00", "ff", "FFFF", "255", "256", "12345", "g", "%"])
    | st.text(max_size=1),
    max_size=18,
).map("".join)

# The library calls these global; we do not: relays, anycast services, NAT64, blocks within
# 2001::/23 that are routed, and whatever lies outside of 2000::/3, which nobody has been given.
NOT_FOR_HOSTS = [
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
]
ALLOCATED = ipaddress.ip_network("2000::/3")


def library_reads(text: str) -> bytes | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if "%" in text else address.packed


@given(addresses)
def test_any_address_both_ways(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    text = format_ip(address.packed)
    assert parse_ip(text) == address.packed == parse_ip(address.exploded)
    mapped = getattr(address, "ipv4_mapped", None)
    assert text == (f"::ffff:{mapped}" if mapped else address.compressed)


@given(near_literals)
@example("1:2:3:4:5:6:7::8")
@example("::1.2.3.4")
def test_any_text_is_read_as_the_library_reads_it(text: str) -> None:
    assert parse_ip(text) == library_reads(text)


@given(addresses)
def test_global_is_no_more_than_what_the_library_says(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    judged = getattr(address, "ipv4_mapped", None) or address
    expected = judged.is_global and not judged.is_multicast
    if any(judged in network for network in NOT_FOR_HOSTS):
        expected = False
    if judged.version == 6 and judged not in ALLOCATED:
        expected = False
    assert is_global(str(address)) == (kind(address.packed) == "global") == expected
