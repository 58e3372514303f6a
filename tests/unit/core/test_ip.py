"""IP literals and kinds of addresses."""

from edgenode.core.ip import format_ip, from_mapped, is_global, kind, parse_ip, to_mapped
from tests.unit.core.helpers import raises

LITERALS = (
    ("0.0.0.0", "00000000"),
    ("192.168.1.254", "c0a801fe"),
    ("255.255.255.255", "ffffffff"),
    ("::", "00" * 16),
    ("::1", "00" * 15 + "01"),
    ("1::", "0001" + "00" * 14),
    ("fe80::1", "fe80" + "00" * 13 + "01"),
    ("2001:db8::1:0:0:1", "20010db8000000000001000000000001"),
    ("2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"),
    ("1:2:3:4:5:6:7:8", "00010002000300040005000600070008"),
    ("1:0:0:2::3", "00010000000000020000000000000003"),
    ("0:1:2:3:4:5:6:7", "00000001000200030004000500060007"),
    ("::ffff:192.0.2.1", "00" * 10 + "ffffc0000201"),
)

OTHER_SPELLINGS = (
    ("FE80::1", "fe80::1"),
    ("0:0:0:0:0:0:0:1", "::1"),
    ("2001:0DB8::0001", "2001:db8::1"),
    ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ("::1.2.3.4", "::102:304"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("::ffff:c000:201", "::ffff:192.0.2.1"),
    ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
)

NOT_LITERALS = (
    ("", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.00", "1..2.3", "1.2.3.4 ")
    + (" 1.2.3.4", "1.2.3.-4", "+1.2.3.4", "0x1.2.3.4", "1.2.3.1e1", "1.2.3.1_0", "a.b.c.d")
    + ("\u0661.2.3.4", "1.2.3.\u00b2", "1.2.3.4%1", "localhost", "1.2.3.4\n")
    + (":", ":::", "::1::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1:2:3:4:5:6:7")
    + ("1:2:3:4:5:6:7:", "1:2:3:4:5:6:7::8", "::1:2:3:4:5:6:7:8", "12345::", "g::", "::-1")
    + ("fe80::1%eth0", "[::1]", "::1.2.3", "::1.2.3.4:5", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4")
    + ("::1.2.3.04", "1" * 46, ":" * 46, "::\u0661", "::+1", "::0x1", "::1 ")
)

KINDS = (
    ("global", ("1.1.1.1", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255")),
    ("global", ("172.32.0.0", "192.167.0.1", "198.17.255.255", "198.20.0.0", "223.255.255.255")),
    ("global", ("2000::", "2a00:1450::1", "2001:200::", "3fff:1000::", "::ffff:8.8.8.8")),
    ("private", ("10.0.0.1", "172.16.0.0", "172.31.255.255", "192.168.0.1", "::ffff:10.1.2.3")),
    ("cgnat", ("100.64.0.0", "100.127.255.255", "::ffff:100.64.0.1")),
    ("loopback", ("127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1")),
    ("link-local", ("169.254.0.1", "fe80::1", "febf::1")),
    ("multicast", ("224.0.0.1", "239.255.255.250", "ff02::1")),
    ("unspecified", ("0.0.0.0", "::", "::ffff:0.0.0.0")),
    ("ula", ("fc00::1", "fdff::1")),
    ("reserved", ("0.0.0.1", "192.0.0.2", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.0.1")),
    ("reserved", ("198.51.100.1", "203.0.113.1", "240.0.0.1", "255.255.255.255")),
    ("reserved", ("::2", "64:ff9b::1", "100::1", "2001::1", "2001:1ff::1", "2001:db8::1")),
    ("reserved", ("2002::1", "3fff::1", "3fff:fff::1", "4000::", "fec0::1", "fb00::1")),
)


def bytes_of(text: str) -> bytes:
    address = parse_ip(text)
    assert address is not None, text
    return address


def test_literals_both_ways() -> None:
    for text, data in LITERALS:
        assert bytes_of(text).hex() == data, text
        assert format_ip(bytes.fromhex(data)) == text


def test_other_spellings() -> None:
    for text, canonical in OTHER_SPELLINGS:
        assert format_ip(bytes_of(text)) == canonical, text


def test_what_is_no_literal() -> None:
    for text in NOT_LITERALS:
        assert parse_ip(text) is None, text
        assert not is_global(text)


def test_other_lengths_are_no_address() -> None:
    for length in (0, 3, 5, 15, 17):
        raises(ValueError, format_ip, bytes(length))


def test_kinds() -> None:
    for name, literals in KINDS:
        for text in literals:
            assert kind(bytes_of(text)) == name, text
            assert is_global(text) == (name == "global"), text


def test_mapped() -> None:
    mapped = bytes_of("::ffff:192.0.2.1")
    assert to_mapped(bytes((192, 0, 2, 1))) == mapped
    assert from_mapped(mapped) == bytes((192, 0, 2, 1))
    assert to_mapped(mapped) == mapped
    other = bytes_of("fe80::1")
    assert to_mapped(other) == from_mapped(other) == other
    assert from_mapped(bytes((1, 2, 3, 4))) == bytes((1, 2, 3, 4))
