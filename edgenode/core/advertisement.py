"""NodeAdvertisement: what a node signs of itself, so that others learn where it can be reached."""

from edgenode.core.errors import DecodeError
from edgenode.core.events import (
    MAX_CAPABILITIES,
    MAX_CAPABILITY_CHARS,
    MAX_PORT,
    MAX_VERSION_CHARS,
)
from edgenode.core.fields import Fields
from edgenode.core.ip import MAX_LITERAL_CHARS, format_ip, from_mapped, parse_ip
from edgenode.core.pae import PUBLIC_KEY_BYTES
from edgenode.core.signed import SIGNATURE_BYTES, Signed, decode_signed, sign
from edgenode.core.strictjson import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXT = "advertisement"

# What a datagram of IPv6 takes everywhere without being cut (1,280 bytes, RFC 8200 section 5),
# less its headers and room for those of a tunnel.
MAX_DATAGRAM_BYTES = 1200

# The payload is a text in that text; its quotes are escaped there.
MAX_ADVERTISEMENT_BYTES = 1024


class Advertisement:
    """What a node says of itself.

    `address` is an IP literal, "" for that from which the advertisement comes; `port` the peer
    port there (TCP).
    """

    __slots__ = ("address", "capabilities", "node_id", "port", "version")

    def __init__(
        self, node_id: str, address: str, port: int, capabilities: "list[str]", version: str
    ) -> None:
        self.node_id = node_id
        self.address = address
        self.port = port
        self.capabilities = capabilities
        self.version = version


def advertise(
    advertisement: Advertisement,
    network: str,
    epoch: int,
    seq: int,
    timestamp_ms: int,
    sign_fn: "Callable[[bytes], bytes]",
) -> Signed:
    """Return the advertisement of this node, signed, small enough for a datagram.

    `sign_fn` signs with the key of `advertisement.node_id`. Capabilities for which there is no
    room are left out, the last first: a link tells them all. Raises ValueError where the rest
    alone is too long.
    """
    public_key = bytes.fromhex(advertisement.node_id)
    count = len(advertisement.capabilities)
    while True:
        payload = _payload(advertisement, count)
        # Every signature has the same length.
        trial = Signed(
            advertisement.node_id, epoch, seq, timestamp_ms, payload, bytes(SIGNATURE_BYTES)
        )
        size = len(encode_datagram(trial))
        if size <= MAX_DATAGRAM_BYTES and len(payload.encode()) <= MAX_ADVERTISEMENT_BYTES:
            break
        if count == 0:
            raise ValueError(f"an advertisement of {size} bytes")
        count -= 1
    return sign(CONTEXT, network, public_key, epoch, seq, timestamp_ms, payload, sign_fn)


def decode_advertisement(signed: Signed) -> Advertisement:
    """Return the advertisement in a message whose signature has been checked.

    An address is given in its canonical form. Raises `DecodeError`, which is the fault of the
    signer, also where he speaks for another node.
    """
    fields = Fields(
        decode(signed.payload.encode(), max_bytes=MAX_ADVERTISEMENT_BYTES), "advertisement"
    )
    node_id = fields.hex_bytes("nodeId", PUBLIC_KEY_BYTES).hex()
    if node_id != signed.node_id:
        raise DecodeError("advertisement.nodeId: not the node that signed")
    return Advertisement(
        node_id,
        _address(fields.text("address", MAX_LITERAL_CHARS)),
        fields.integer("port", 1, MAX_PORT),
        fields.texts("capabilities", MAX_CAPABILITIES, MAX_CAPABILITY_CHARS),
        fields.text("version", MAX_VERSION_CHARS),
    )


def encode_datagram(signed: Signed) -> bytes:
    """Return the JSON text of the message, as it travels in a datagram."""
    return encode(signed.to_data())


def decode_datagram(data: bytes) -> Signed:
    """Return the message in a datagram, unverified; raises `DecodeError`."""
    return decode_signed(Fields(decode(data, max_bytes=MAX_DATAGRAM_BYTES), "datagram"))


def _payload(advertisement: Advertisement, capabilities: int) -> str:
    return encode(
        {
            "nodeId": advertisement.node_id,
            "address": advertisement.address,
            "port": advertisement.port,
            "capabilities": advertisement.capabilities[:capabilities],
            "version": advertisement.version,
        }
    ).decode()


def _address(text: str) -> str:
    if not text:
        return ""
    packed = parse_ip(text)
    if packed is None:
        raise DecodeError("advertisement.address: expected an IP address")
    return format_ip(from_mapped(packed))
