"""The hello: what each side of a link says first, in the clear, and later signs."""

from edgenode.core.errors import ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.signed import Signed, decode_signed
from edgenode.core.strictjson import decode, encode

PROTOCOL_VERSION = 1

# A hello of this version has about 500 bytes; the rest is room for fields to come.
MAX_HELLO_BYTES = 4096
NODE_ID_BYTES = 32
NONCE_BYTES = 32
EPHEMERAL_KEY_BYTES = 32
INSTANCE_BYTES = 16

# A frame is the whole WebSocket message, seal included. 256 KiB holds the largest message of the
# protocol (a sync answer); a peer may ask for smaller ones, but a chunk must fit.
MAX_FRAME_BYTES = 256 * 1024
MIN_FRAME_BYTES = 68 * 1024
MAX_NETWORK_CHARS = 64


class Hello:
    """One side's hello; `raw` are the exact bytes that were sent, which both sides sign."""

    __slots__ = (
        "ephemeral_key",
        "expected_node_id",
        "frame_limit",
        "instance",
        "membership",
        "network",
        "node_id",
        "nonce",
        "raw",
    )

    def __init__(
        self,
        *,
        network: str,
        node_id: str,
        expected_node_id: str,
        nonce: bytes,
        ephemeral_key: bytes,
        instance: bytes,
        frame_limit: int = MAX_FRAME_BYTES,
        membership: "Signed | None" = None,
        raw: bytes = b"",
    ) -> None:
        """Take the fields; `expected_node_id` is "" where the caller does not know whom he calls.

        `membership` is for a closed network. `raw` is made from the fields unless given.
        """
        self.network = network
        self.node_id = node_id
        self.expected_node_id = expected_node_id
        self.nonce = nonce
        self.ephemeral_key = ephemeral_key
        self.instance = instance
        self.frame_limit = frame_limit
        self.membership = membership
        self.raw = raw or self._encode()

    def _encode(self) -> bytes:
        members = {
            "version": PROTOCOL_VERSION,
            "network": self.network,
            "nodeId": self.node_id,
            "expectedNodeId": self.expected_node_id,
            "nonce": self.nonce.hex(),
            "ephemeralKey": self.ephemeral_key.hex(),
            "instance": self.instance.hex(),
            "limits": {"frame": self.frame_limit},
        }  # type: dict[str, object]
        if self.membership is not None:
            members["membership"] = self.membership.to_data()
        return encode(members)


def decode_hello(raw: bytes) -> Hello:
    """Return the hello in `raw`.

    Raises `DecodeError`, and `ProtocolError("wrong-version")` before it looks at the rest, so that
    a later version may change everything but the name of that field.
    """
    fields = Fields(decode(raw, max_bytes=MAX_HELLO_BYTES), "hello")
    version = fields.integer("version", 1, 1_000_000)
    if version != PROTOCOL_VERSION:
        raise ProtocolError("wrong-version", f"protocol version {version}, not {PROTOCOL_VERSION}")
    expected = fields.text("expectedNodeId", 2 * NODE_ID_BYTES)
    membership = fields.optional_section("membership")
    return Hello(
        network=fields.text("network", MAX_NETWORK_CHARS),
        node_id=fields.hex_bytes("nodeId", NODE_ID_BYTES).hex(),
        expected_node_id=(
            fields.hex_bytes("expectedNodeId", NODE_ID_BYTES).hex() if expected else ""
        ),
        nonce=fields.hex_bytes("nonce", NONCE_BYTES),
        ephemeral_key=fields.hex_bytes("ephemeralKey", EPHEMERAL_KEY_BYTES),
        instance=fields.hex_bytes("instance", INSTANCE_BYTES),
        frame_limit=fields.section("limits").integer("frame", MIN_FRAME_BYTES, 2**31),
        membership=None if membership is None else decode_signed(membership),
        raw=raw,
    )
