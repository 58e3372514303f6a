"""Invitations: one line of text that says where a network is, and may hold its secret.

`edgenode1` and the RFC 4648 base32 of: all bytes counted (2), kind (1), length and text of the
network's name, node id (32), how many addresses, each as its length (4 or 16), address and TCP port
(2), for a secret its length (2) and itself, and the CRC-32 of all that (4). Letters and digits
alone: no shell and no chat program alters it, and a double click marks the whole.
"""

from binascii import crc32

from edgenode.core.errors import DecodeError
from edgenode.core.events import MAX_PORT
from edgenode.core.ids import NODE_ID_LENGTH
from edgenode.core.ip import IPV4_BYTES, IPV6_BYTES, format_ip, from_mapped, kind, parse_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

BEGINNING = "edgenode1"
_NAME = "edgenode"

# A node behind a router has one outside, one or two at home, and the same by IPv6. A line with
# them, with a long name and a secret of 64 hexadecimal digits has 354 characters.
MAX_ADDRESSES = 4
MAX_NETWORK_CHARS = 64
MIN_SECRET_CHARS = 32
MAX_SECRET_CHARS = 256

# Of a name and a secret as long as may be.
MAX_LINE_CHARS = 712
# What a terminal or a mail program has put between, too.
MAX_TEXT_CHARS = 2048

_OPEN = 0
_CLOSED = 1
_WITH_TEXT = 2
_WITH_HEX = 3

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_DECIMAL = "0123456789"
_LOWER_HEX = "0123456789abcdef"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_COUNT_BYTES = 2
_CRC_BYTES = 4
_PORT_BYTES = 2
_NODE_BYTES = NODE_ID_LENGTH // 2
_BITS = 5

_CUT = "the line is cut: copy all of it"
_MISTYPED = "a character of the line is wrong: copy it rather than type it"
_STRANGE = "the line is whole, and does not say what an invitation says"


class Invitation:
    """Where a network is: its name, a node of it, and where that one is reached, the best first.

    `addresses` are (IP literal, TCP port); `secret` is "" where none is told, `closed` whether one
    is needed.
    """

    __slots__ = ("addresses", "closed", "network", "node_id", "secret")

    def __init__(
        self,
        network: str,
        node_id: str,
        addresses: "Sequence[tuple[str, int]]",
        *,
        secret: str = "",
        closed: bool = False,
    ) -> None:
        self.network = network
        self.node_id = node_id
        self.addresses = list(addresses)
        self.secret = secret
        self.closed = closed or bool(secret)


def encode_invitation(invitation: Invitation) -> str:
    """Return the line. Raises `ValueError` for what no invitation can hold."""
    network = invitation.network.encode()
    node_id = bytes.fromhex(invitation.node_id)
    if not is_network(invitation.network) or len(node_id) != _NODE_BYTES:
        raise ValueError("not the name of a network, or not a node id")
    if not 0 < len(invitation.addresses) <= MAX_ADDRESSES:
        raise ValueError("an invitation has 1 to 4 addresses")
    told, secret = _pack_secret(invitation)
    data = bytes([told, len(network)]) + network + node_id + bytes([len(invitation.addresses)])
    for host, port in invitation.addresses:
        packed = parse_ip(host)
        if packed is None or not _is_dialled(packed) or not 0 < port <= MAX_PORT:
            raise ValueError("an address is an IP literal with a TCP port")
        packed = from_mapped(packed)
        data += bytes([len(packed)]) + packed + port.to_bytes(_PORT_BYTES, "big")
    data = (_COUNT_BYTES + len(data) + len(secret) + _CRC_BYTES).to_bytes(2, "big") + data + secret
    return BEGINNING + _to_text(data + crc32(data).to_bytes(_CRC_BYTES, "big"))


def decode_invitation(text: str) -> Invitation:
    """Return what a line says; white space in it, and capital letters, do not count.

    Raises `DecodeError`, whose message is for the one who has copied it.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise DecodeError("more than one invitation: copy the line alone")
    line = "".join(text.split()).lower()
    if not line:
        raise DecodeError("there is no line: copy what 'edgenode invite' has printed")
    if not line.startswith(BEGINNING):
        raise DecodeError(_what_else(line))
    data, left_over = _from_text(line[len(BEGINNING) :])
    count = int.from_bytes(data[:_COUNT_BYTES], "big")
    if len(data) < _COUNT_BYTES or len(data) < count:
        raise DecodeError(_CUT)
    if len(data) > count:
        raise DecodeError("something stands behind the invitation: copy the line alone")
    said, crc = data[:-_CRC_BYTES], data[-_CRC_BYTES:]
    if left_over or crc32(said).to_bytes(_CRC_BYTES, "big") != crc:
        raise DecodeError(_MISTYPED)
    return _decode(_Reader(said[_COUNT_BYTES:]))


def is_network(text: str) -> bool:
    """Tell whether `text` can be the name of a network."""
    plain = _LETTERS + _DECIMAL
    return (
        0 < len(text) <= MAX_NETWORK_CHARS
        and text[0].lower() in plain
        and all(character.lower() in plain + "._:/-" for character in text)
    )


def _decode(reader: "_Reader") -> Invitation:
    told = reader.number(1)
    try:
        network = reader.take(reader.number(1)).decode()
    except UnicodeError:
        raise DecodeError(_STRANGE) from None
    node_id = reader.take(_NODE_BYTES).hex()
    count = reader.number(1)
    if not is_network(network) or told > _WITH_HEX or not 0 < count <= MAX_ADDRESSES:
        raise DecodeError(_STRANGE)
    addresses = []
    for _ in range(count):
        length = reader.number(1)
        packed = reader.take(length)
        port = reader.number(_PORT_BYTES)
        if length not in (IPV4_BYTES, IPV6_BYTES) or not _is_dialled(packed) or not port:
            raise DecodeError(_STRANGE)
        addresses.append((format_ip(packed), port))
    secret = ""
    if told in (_WITH_TEXT, _WITH_HEX):
        data = reader.take(reader.number(2))
        secret = data.hex() if told == _WITH_HEX else _text_of(data)
        if not MIN_SECRET_CHARS <= len(secret) <= MAX_SECRET_CHARS:
            raise DecodeError(_STRANGE)
    reader.end()
    return Invitation(network, node_id, addresses, secret=secret, closed=told != _OPEN)


class _Reader:
    """Takes bytes from the front; raises `DecodeError` where there are not as many."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, count: int) -> bytes:
        taken = self._data[:count]
        if len(taken) != count:
            raise DecodeError(_STRANGE)
        self._data = self._data[count:]
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def end(self) -> None:
        if self._data:
            raise DecodeError(_STRANGE)


def _pack_secret(invitation: Invitation) -> "tuple[int, bytes]":
    secret = invitation.secret
    if not secret:
        return (_CLOSED if invitation.closed else _OPEN), b""
    if not MIN_SECRET_CHARS <= len(secret) <= MAX_SECRET_CHARS or not _is_plain(secret):
        raise ValueError("not a secret")
    # Half as long: most secrets are so, and `hex` reads back what was written.
    if len(secret) % 2 == 0 and not secret.strip(_LOWER_HEX):
        told, data = _WITH_HEX, bytes.fromhex(secret)
    else:
        told, data = _WITH_TEXT, secret.encode()
    return told, len(data).to_bytes(2, "big") + data


def _text_of(data: bytes) -> str:
    if not all(0x20 < byte < 0x7F for byte in data):  # noqa: PLR2004 - visible ASCII
        raise DecodeError(_STRANGE)
    return data.decode()


def _is_plain(text: str) -> bool:
    return all(" " < character <= "~" for character in text)


def _is_dialled(packed: bytes) -> bool:
    return kind(packed) not in ("unspecified", "multicast")


def _what_else(line: str) -> str:
    rest = line[len(_NAME) :]
    if BEGINNING.startswith(line):
        return _CUT
    if line.startswith(_NAME) and rest[0] in _DECIMAL:
        return "the line is of a later version of edgenode: update this node"
    return "this is no invitation, which begins with " + BEGINNING


def _to_text(data: bytes) -> str:
    """Return base32 without its padding."""
    characters = []
    held = bits = 0
    for byte in data:
        held = (held << 8 | byte) & 0xFFF
        bits += 8
        while bits >= _BITS:
            bits -= _BITS
            characters.append(_ALPHABET[held >> bits & 31])
    if bits:
        characters.append(_ALPHABET[held << (_BITS - bits) & 31])
    return "".join(characters)


def _from_text(text: str) -> "tuple[bytes, int]":
    """Return the bytes of base32, and the bits left over, all 0 behind a whole line.

    Raises `DecodeError`.
    """
    if len(BEGINNING) + len(text) > MAX_LINE_CHARS:
        raise DecodeError("more than one invitation: copy the line alone")
    data = bytearray()
    held = bits = 0
    for character in text:
        value = _ALPHABET.find(character)
        if value < 0:
            raise DecodeError(_MISTYPED)
        held = (held << _BITS | value) & 0xFFF
        bits += _BITS
        if bits >= 8:  # noqa: PLR2004 - a byte
            bits -= 8
            data.append(held >> bits & 0xFF)
    return bytes(data), held & ((1 << bits) - 1)
