"""Invitations: what a line says, and that no damaged one is taken."""

from binascii import crc32

from edgenode.core.errors import DecodeError
from edgenode.core.invite import (
    BEGINNING,
    MAX_LINE_CHARS,
    MAX_TEXT_CHARS,
    Invitation,
    _to_text,
    decode_invitation,
    encode_invitation,
)
from tests.unit.core.helpers import raises

NODE = "0123456789abcdef" * 4
HEX = "00ff" * 16
TEXT = "Correct-horse/battery_staple+0123"
PLACES = [("192.168.1.20", 4242), ("2001:db8::7", 14242)]

# Made once; what lines of version 1 look like must not change.
VECTORS = (
    (
        Invitation("brightchain", NODE, PLACES),
        "edgenode1abhaac3cojuwo2dumnugc2loaerukz4jvpg66ajdivtytk6n54asgrlhrgv433ybencwpcnlzxxqebg"
        "avaarieescaqacdnyaaaaaaaaaaaaaaaaaadtpits6rb7k",
    ),
    (
        Invitation("home", NODE, PLACES[:1], closed=True),
        "edgenode1aa2acbdin5wwkajdivtytk6n54asgrlhrgv433ybencwpcnlzxxqci2fm6e2xtppaecmbkabcqijfdr"
        "hmtpa",
    ),
    (
        Invitation("home", NODE, PLACES[:1], secret=HEX),
        "edgenode1ablagbdin5wwkajdivtytk6n54asgrlhrgv433ybencwpcnlzxxqci2fm6e2xtppaecmbkabcqijeab"
        "aad7qb7ya74ap6ah7ad7qb7ya74ap6ah7ad7qb7ya74ap6ah7ad7w75347a",
    ),
)


def said(invitation: Invitation) -> "tuple[object, ...]":
    addresses = [tuple(place) for place in invitation.addresses]
    return (
        invitation.network,
        invitation.node_id,
        addresses,
        invitation.secret,
        invitation.closed,
    )


def why(text: str) -> str:
    return str(raises(DecodeError, lambda: decode_invitation(text)))


def test_vectors() -> None:
    for invitation, line in VECTORS:
        assert encode_invitation(invitation) == line
        assert said(decode_invitation(line)) == said(invitation)


def test_what_was_written_is_read() -> None:
    for network in ("a", "brightchain", "Home.net:1/x_".replace("_", "-"), "n" * 64):
        for secret in ("", HEX, HEX + HEX, TEXT, "A" + HEX, "~" * 256, "0" * 33):
            for count in (1, 2, 4):
                given = Invitation(network, NODE, (PLACES * 2)[:count], secret=secret)
                line = encode_invitation(given)
                assert len(line) <= MAX_LINE_CHARS
                assert not line.strip("abcdefghijklmnopqrstuvwxyz0123456789")
                assert said(decode_invitation(line)) == said(given)


def test_a_line_fits_a_message() -> None:
    places = [("2001:db8::7", 4242)] * 4
    line = encode_invitation(Invitation("n" * 64, NODE, places, secret=HEX + HEX[:0]))
    assert len(line) <= 400
    line = encode_invitation(Invitation("n" * 64, NODE, places, secret="0f" * 32))
    assert len(line) <= 400


def test_white_space_and_capitals_do_not_count() -> None:
    _, line = VECTORS[0]
    for text in (line + "\n", " " + line, line[:20] + "\r\n" + line[20:], line.upper()):
        assert said(decode_invitation(text)) == said(VECTORS[0][0])


def test_a_cut_line_is_told() -> None:
    for _, line in VECTORS:
        for end in range(1, len(line)):
            assert "is cut: copy all of it" in why(line[:end]), end
        for start in (1, 5, 9, 30):
            why(line[start:])


def test_any_single_character_that_is_another_is_refused() -> None:
    others = "abcdefghijklmnopqrstuvwxyz0123456789-_.!"
    for _, line in VECTORS[1:]:
        for place in range(len(line)):
            for other in others:
                if other != line[place]:
                    why(line[:place] + other + line[place + 1 :])


def test_neighbours_that_change_places_and_what_is_lost_or_doubled_are_refused() -> None:
    for _, line in VECTORS:
        for place in range(len(line) - 1):
            first, second = line[place], line[place + 1]
            if first != second:
                why(line[:place] + second + first + line[place + 2 :])
            why(line[:place] + line[place + 1 :])
            why(line[:place] + first + line[place:])


def test_what_is_no_invitation_is_told() -> None:
    line = VECTORS[0][1]
    assert "no line" in why("")
    assert "no line" in why(" \n")
    assert "this is no invitation" in why("https://example.org")
    assert "later version" in why("edgenode2" + line[9:])
    assert "stands behind" in why(line + "aaaaaaaa")
    assert "more than one" in why(line * 3 + "a" * MAX_LINE_CHARS)
    assert "more than one" in why("a" * (MAX_TEXT_CHARS + 1))
    assert "is wrong" in why(line[:40] + "\u0430" + line[41:])


def test_whole_lines_that_say_nonsense_are_refused() -> None:
    node, place = bytes(32), b"\x04\xc0\x00\x02\x01\x10\x92"

    def wrapped(data: bytes) -> str:
        data = (len(data) + 6).to_bytes(2, "big") + data
        return BEGINNING + _to_text(data + crc32(data).to_bytes(4, "big"))

    decode_invitation(wrapped(b"\x00\x01a" + node + b"\x01" + place))
    for data in (
        b"",
        b"\x04\x01a" + node + b"\x01" + place,  # a kind that there is not
        b"\x00\x00" + node + b"\x01" + place,  # no name
        b"\x00\x01-" + node + b"\x01" + place,
        b"\x00\x01\xff" + node + b"\x01" + place,
        b"\x00\x01a" + node[:-1] + b"\x01" + place,
        b"\x00\x01a" + node + b"\x00",  # no address
        b"\x00\x01a" + node + b"\x05" + place * 5,
        b"\x00\x01a" + node + b"\x01" + place[:-1],
        b"\x00\x01a" + node + b"\x01" + b"\x05" + bytes(5) + b"\x10\x92",
        b"\x00\x01a" + node + b"\x01" + b"\x04" + bytes(4) + b"\x10\x92",  # 0.0.0.0
        b"\x00\x01a" + node + b"\x01" + place[:-2] + b"\x00\x00",  # port 0
        b"\x00\x01a" + node + b"\x01" + place + b"\x00",  # more behind it
        b"\x02\x01a" + node + b"\x01" + place + b"\x00\x01x",  # a short secret
        b"\x02\x01a" + node + b"\x01" + place + b"\x00\x20" + b"a b" + b"x" * 29,
        b"\x03\x01a" + node + b"\x01" + place + b"\x00\x81" + bytes(129),
    ):
        assert "does not say what" in why(wrapped(data)), data


def test_what_no_invitation_can_hold_is_not_written() -> None:
    for wrong in (
        Invitation("", NODE, PLACES),
        Invitation("a b", NODE, PLACES),
        Invitation("n" * 65, NODE, PLACES),
        Invitation("a", "ab", PLACES),
        Invitation("a", NODE, []),
        Invitation("a", NODE, PLACES * 3),
        Invitation("a", NODE, [("example.org", 4242)]),
        Invitation("a", NODE, [("0.0.0.0", 4242)]),
        Invitation("a", NODE, [("192.0.2.1", 0)]),
        Invitation("a", NODE, PLACES, secret="short"),
        Invitation("a", NODE, PLACES, secret="x" * 31 + " "),
        Invitation("a", NODE, PLACES, secret="x" * 257),
    ):
        raises(ValueError, lambda wrong=wrong: encode_invitation(wrong))
