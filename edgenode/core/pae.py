"""The exact bytes that are signed: PAE, the pre-authentication encoding of PASETO (Common.md).

A message is encoded with the lengths of its pieces, so that no two lists of pieces give the same
bytes, and with a context, so that a signature made for one use is worth nothing in another.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

CONTEXT_PREFIX = "edgenode/1/"

# One for each use of a signature; closed lists, so that no caller makes one up.
HANDSHAKE_CONTEXTS = ("handshake-initiator", "handshake-responder")
MESSAGE_CONTEXTS = (
    "batch",
    "head",
    "advertisement",
    "request",
    "rotation",
    "membership",
)
SESSION_CONTEXTS = ("session",)
CONTEXTS = HANDSHAKE_CONTEXTS + MESSAGE_CONTEXTS + SESSION_CONTEXTS

PUBLIC_KEY_BYTES = 32

# PASETO keeps the top bit clear, so that languages with signed 64-bit integers read the same.
MAX_INTEGER = (1 << 63) - 1


def pae(pieces: "Sequence[bytes | int]") -> bytes:
    """Encode the pieces as one byte string: their count, then each one's length and bytes.

    Counts, lengths and integer pieces are 8 bytes little-endian. Raises ValueError for an integer
    outside 0..2**63-1.
    """
    encoded = [_le64(len(pieces))]
    for piece in pieces:
        data = piece if isinstance(piece, bytes) else _le64(piece)
        encoded.append(_le64(len(data)))
        encoded.append(data)
    return b"".join(encoded)


def signed_bytes(
    context: str,
    network: str,
    public_key: bytes,
    epoch: int,
    seq: int,
    timestamp_ms: int,
    payload: bytes,
) -> bytes:
    """Give the bytes to sign or to verify for one message of the node with `public_key`.

    `payload` is exactly what travels, never a text made anew. `network` is the network id,
    `timestamp_ms` Unix time. Raises ValueError for a context that is not one of MESSAGE_CONTEXTS,
    a key that is not 32 bytes, or a number outside 0..2**63-1.
    """
    pieces = _signer(MESSAGE_CONTEXTS, context, network, public_key)
    pieces.extend((epoch, seq, timestamp_ms, payload))
    return pae(pieces)


def handshake_bytes(
    role: str, network: str, public_key: bytes, initiator_hello: bytes, responder_hello: bytes
) -> bytes:
    """Give the bytes that the side with `public_key` signs in the handshake of a link.

    The hellos are exactly as they travelled. They carry nonces, so there is no epoch, sequence
    number or time. Raises ValueError for a role that is not one of HANDSHAKE_CONTEXTS, or a key
    that is not 32 bytes.
    """
    pieces = _signer(HANDSHAKE_CONTEXTS, role, network, public_key)
    pieces.extend((initiator_hello, responder_hello))
    return pae(pieces)


def session_bytes(network: str, public_key: bytes, audience: bytes, challenge: bytes) -> bytes:
    """Give the bytes that the node with `public_key` signs to open a session with `audience`.

    `audience` is the public key of the node that gave the challenge. Raises ValueError for a key
    that is not 32 bytes.
    """
    if len(audience) != PUBLIC_KEY_BYTES:
        raise ValueError("a public key has 32 bytes")
    pieces = _signer(SESSION_CONTEXTS, SESSION_CONTEXTS[0], network, public_key)
    pieces.extend((audience, challenge))
    return pae(pieces)


def _signer(
    contexts: "tuple[str, ...]", context: str, network: str, public_key: bytes
) -> "list[bytes | int]":
    if context not in contexts:
        raise ValueError("unknown context of a signature: " + context)
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise ValueError("a public key has 32 bytes")
    return [(CONTEXT_PREFIX + context).encode(), network.encode(), public_key]


def _le64(number: int) -> bytes:
    if not 0 <= number <= MAX_INTEGER:
        raise ValueError("an integer to be signed must lie in 0..2**63-1")
    return number.to_bytes(8, "little")
