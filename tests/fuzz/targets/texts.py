"""JSON, addresses, and other short texts."""

import re
from base64 import b32decode, b32encode
from binascii import crc32

from edgenode.core.address import address_key
from edgenode.core.blacklist import parse_entry
from edgenode.core.dialback import network_of
from edgenode.core.errors import DecodeError
from edgenode.core.ids import is_block_id
from edgenode.core.invite import (
    BEGINNING,
    Invitation,
    decode_invitation,
    encode_invitation,
)
from edgenode.core.ip import format_ip, from_mapped, kind, parse_ip
from edgenode.core.strictjson import encode, reader, scanner
from edgenode.discover.resolvconf import parse_resolver_settings
from tests.fuzz.engine import Target
from tests.unit.core.corpus import lines, unescape

MAX_BYTES = 64 * 1024
BOUNDS = {"max_bytes": MAX_BYTES, "max_depth": 8, "max_tokens": 500}


def json_text(data: bytes) -> str:
    """What is read can be written, and reads as the same again."""
    value = scanner.decode(data, **BOUNDS)
    again = scanner.decode(encode(value), **{**BOUNDS, "max_bytes": 2**20})
    assert repr(again) == repr(_sorted(value))
    return type(value).__name__


def json_both(data: bytes) -> str:
    """Both readers take the same, and give the same."""
    results = []
    for module in (scanner, reader):
        try:
            results.append(repr(module.decode(data, **BOUNDS)))
        except DecodeError:
            results.append("refused")
    assert results[0] == results[1], results
    return results[0][:1]


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def address(data: bytes) -> str:
    """An address that is read is written so that it reads as the same."""
    text = data.decode("utf-8", "replace")
    parse_entry(text)
    network_of(text)
    address_key(text, len(data))
    packed = parse_ip(text)
    if packed is None:
        return "none"
    assert parse_ip(format_ip(packed)) == packed
    assert parse_ip(format_ip(from_mapped(packed))) == from_mapped(packed)
    return kind(packed)


def block_id(data: bytes) -> bool:
    """The form of ids is what the pattern says."""
    text = data.decode("latin-1")
    assert is_block_id(text) == bool(re.fullmatch("[0-9a-f]{128}", text))
    return is_block_id(text)


def resolvers(data: bytes) -> int:
    """Whatever the file says, there is somebody to ask."""
    found = parse_resolver_settings(data.decode("utf-8", "replace"))
    assert 0 < len(found.servers) <= 3 and 0 < found.timeout_s <= 30 and 0 < found.attempts <= 5
    return len(found.servers)


def invitation(data: bytes) -> str:
    """Whatever a whole line holds is refused, or is said again as the same line."""
    framed = (2 + len(data) + 4).to_bytes(2, "big") + data if len(data) < 2**16 - 6 else data
    framed += crc32(framed).to_bytes(4, "big")
    line = BEGINNING + b32encode(framed).decode().rstrip("=").lower()
    found = decode_invitation(line)
    again = decode_invitation(encode_invitation(found))
    assert (again.network, again.node_id, again.addresses, again.secret, again.closed) == (
        (found.network, found.node_id, found.addresses, found.secret, found.closed)
    )
    return f"{len(found.addresses)} {bool(found.secret)} {found.closed}"


def invitation_text(data: bytes) -> str:
    """Whatever somebody pastes is refused with a word on it, or is an invitation."""
    return decode_invitation(data.decode("utf-8", "replace")).network


def _invitations() -> list[bytes]:
    places = [("192.0.2.1", 4242), ("2001:db8::1", 1)]
    made = [
        Invitation("brightchain", "0b" * 32, places),
        Invitation("home", "0b" * 32, places[:1], secret="0f" * 32),
        Invitation("home", "0b" * 32, places[1:], secret="Correct-Horse.Battery_Staple:4711/x"),
    ]
    return [encode_invitation(each).encode() for each in made]


def _invitation_bytes() -> list[bytes]:
    lines_ = [line[len(BEGINNING) :].upper() for line in _invitations()]
    return [b32decode(line + b"=" * (-len(line) % 8))[2:-4] for line in lines_]


def _json_seeds() -> list[bytes]:
    rows = [row[1] for name in ("valid.txt", "invalid.txt") for row in lines(name)]
    nested = b'{"a":[{"b":[{"c":[1,2.5e-3,"\\u00e9\\ud83d\\ude00"]}]}],"d":null,"e":{"f":true}}'
    return [unescape(row) for row in rows if len(row) < 5000] + [nested]


_WORDS = (b'"', b"\\u", b"\\ud83d", b"[", b"{", b",", b":", b"1e9", b"-0", b"NaN", b"\xed\xa0\x80")
_ADDRESSES = (
    b"1.2.3.4", b"255.255.255.255", b"::", b"::1", b"fe80::1%eth0", b"2001:db8::1:0:0:1",
    b"::ffff:10.0.0.1", b"10.0.0.0/8", b"2001:db8::/64", b"64:ff9b::1.2.3.4",
)  # fmt: skip

TARGETS = (
    Target("json", json_text, (DecodeError,), _json_seeds, _WORDS, 8),
    Target("json-readers", json_both, (), _json_seeds, _WORDS),
    Target("address", address, (), lambda: _ADDRESSES, (b":", b"::", b".", b"0", b"%", b"/")),
    Target("invitation", invitation, (DecodeError,), _invitation_bytes, (b"\4", b"\x10", b"\0")),
    Target("invitation-text", invitation_text, (DecodeError,), _invitations, (b" ", b"A", b"7")),
    Target("block-id", block_id, (), lambda: [b"ab" * 64, b"../" * 40, b"%2e" * 42], weight=1),
    Target(
        "resolv-conf",
        resolvers,
        (),
        lambda: [b"nameserver 192.0.2.1\nnameserver fe80::1%eth0\noptions timeout:3 attempts:9\n"],
        (b"nameserver ", b"options ", b"timeout:", b"\xd9\xa3", b"9" * 30),
        1,
    ),
)
