"""SignedMessage: one signed text of an origin, passed on as it is by anyone."""

from edgenode.core.errors import ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.message import MAX_TIMESTAMP_MS
from edgenode.core.pae import PUBLIC_KEY_BYTES, signed_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SIGNATURE_BYTES = 64
DIGEST_BYTES = 16

# What every JSON reader holds exactly: 285 years of a start, or a message, each microsecond.
MAX_NUMBER = 2**53 - 1

# The largest payload that is passed on: a batch.
MAX_PAYLOAD_BYTES = 32 * 1024


class Signed:
    """A signed text; `epoch` and `seq` order those of one context and origin.

    `epoch` is 1 or more, counted at each start of the origin; `timestamp_ms` is for people.
    """

    __slots__ = ("epoch", "node_id", "payload", "seq", "signature", "timestamp_ms")

    def __init__(
        self,
        node_id: str,
        epoch: int,
        seq: int,
        timestamp_ms: int,
        payload: str,
        signature: bytes,
    ) -> None:
        self.node_id = node_id
        self.epoch = epoch
        self.seq = seq
        self.timestamp_ms = timestamp_ms
        self.payload = payload
        self.signature = signature

    def to_data(self) -> "dict[str, object]":
        """Return the message as it stands in an event."""
        return {
            "payload": self.payload,
            "timestamp": self.timestamp_ms,
            "nodeId": self.node_id,
            "epoch": self.epoch,
            "seq": self.seq,
            "signature": self.signature.hex(),
        }


def decode_signed(fields: Fields, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> Signed:
    """Return the message in `fields`, unverified; raises `DecodeError`."""
    return Signed(
        fields.hex_bytes("nodeId", PUBLIC_KEY_BYTES).hex(),
        fields.integer("epoch", 1, MAX_NUMBER),
        fields.integer("seq", 0, MAX_NUMBER),
        fields.integer("timestamp", 0, MAX_TIMESTAMP_MS),
        fields.text_bytes("payload", max_payload_bytes),
        fields.hex_bytes("signature", SIGNATURE_BYTES),
    )


def sign(
    context: str,
    network: str,
    public_key: bytes,
    epoch: int,
    seq: int,
    timestamp_ms: int,
    payload: str,
    sign_fn: "Callable[[bytes], bytes]",
) -> Signed:
    """Return `payload` signed; `context` is one of `pae.MESSAGE_CONTEXTS`, else ValueError.

    `sign_fn` gives the 64-byte signature of `public_key` over bytes.
    """
    message = signed_bytes(context, network, public_key, epoch, seq, timestamp_ms, payload.encode())
    return Signed(public_key.hex(), epoch, seq, timestamp_ms, payload, sign_fn(message))


def digest(signed: Signed, context: str, network: str, hash16: "Callable[[bytes], bytes]") -> bytes:
    """Return the 16 bytes that stand for this message, whatever envelope it came in.

    They cover the signed bytes and the signature, so a message whose digest is that of one that
    has been checked needs no check of its own.
    """
    return hash16(_message(signed, context, network) + signed.signature)


def check(
    signed: Signed,
    context: str,
    network: str,
    verify_fn: "Callable[[bytes, bytes, bytes], bool]",
) -> None:
    """Check the signature of a message, to be called before it is read.

    `verify_fn` takes (public key, message, signature). Raises `ProtocolError("bad-signature")`,
    which is the fault of whoever passed the message on.
    """
    message = _message(signed, context, network)
    if not verify_fn(bytes.fromhex(signed.node_id), message, signed.signature):
        raise ProtocolError("bad-signature", f"a {context} that {signed.node_id} did not sign")


def _message(signed: Signed, context: str, network: str) -> bytes:
    return signed_bytes(
        context,
        network,
        bytes.fromhex(signed.node_id),
        signed.epoch,
        signed.seq,
        signed.timestamp_ms,
        signed.payload.encode(),
    )
