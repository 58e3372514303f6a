"""The handshake of a link, without its transport: frames in, frames out.

    initiator                                    responder
    hello                          ->
                                   <-            hello, proof
    proof                          ->
    sealed frames                  <->           sealed frames

A hello is a text frame. A proof is a binary frame of 88 bytes: the Ed25519 signature over both
hellos under the context of the signer's role, then the header of the signer's sending stream.
Each hello has a fresh nonce and a fresh ephemeral key, so a proof is good for one link only; the
context and the order of the hellos keep one side's proof from serving as the other's.

In a network with a secret 32 bytes follow: a MAC over all of that, under a key made of the secret
and of the key agreement. Whoever only listens can test no guess of the secret by it; whoever
dials can, and only him the length of the secret stops, since one side has to be the first.
"""

from edgenode.core.errors import ProtocolError
from edgenode.core.hello import Hello, decode_hello
from edgenode.core.pae import handshake_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SIGNATURE_BYTES = 64
STREAM_HEADER_BYTES = 24
PROOF_BYTES = SIGNATURE_BYTES + STREAM_HEADER_BYTES
CONFIRMATION_BYTES = 32
CLOSED_PROOF_BYTES = PROOF_BYTES + CONFIRMATION_BYTES

INITIATOR = "handshake-initiator"
RESPONDER = "handshake-responder"


class Secrets:
    """What a handshake needs from outside of the core, fresh for each one."""

    __slots__ = ("admit", "agree", "confirm", "sign", "verify")

    def __init__(
        self,
        sign: "Callable[[bytes], bytes]",
        verify: "Callable[[bytes, bytes, bytes], bool]",
        agree: "Callable[[bytes], bytes]",
        confirm: "Callable[[bytes, bool], bytes] | None" = None,
        admit: "Callable[[Hello], None] | None" = None,
    ) -> None:
        """Take the functions.

        `sign(message)` signs with the node's key; `verify(public key, message, signature)`;
        `agree(peer's ephemeral key)` derives both session keys and returns the header of our
        sending stream (24 bytes), or raises `ProtocolError`. `confirm(bytes, own)`, in a network
        with a secret, gives the MAC (32 bytes) by which we (`own`) or the peer show to know it,
        once the keys are agreed. `admit(hello)` raises `ProtocolError` for who may not link.
        """
        self.sign = sign
        self.verify = verify
        self.agree = agree
        self.confirm = confirm
        self.admit = admit


class Initiator:
    """The dialling side. Send `own.raw`, then feed `on_hello` and `on_proof` in that order."""

    __slots__ = ("_own", "_secrets", "peer")

    def __init__(self, own: Hello, secrets: Secrets) -> None:
        self._own = own
        self._secrets = secrets
        self.peer: Hello | None = None

    def on_hello(self, raw: bytes) -> None:
        """Take the responder's hello; raises `DecodeError` or `ProtocolError`."""
        peer = decode_hello(raw)
        _check_hello(peer, self._own, self._secrets)
        if self._own.expected_node_id not in ("", peer.node_id):
            raise ProtocolError("wrong-node", "another node answered than the one expected")
        if peer.expected_node_id != self._own.node_id:
            raise ProtocolError("wrong-node", "the answer is for another node")
        self.peer = peer

    def on_proof(self, frame: bytes) -> "tuple[bytes, bytes]":
        """Take the responder's proof; return (our proof to send, the peer's stream header)."""
        if self.peer is None:
            raise ProtocolError("protocol-violation", "proof before hello")
        hellos = (self._own.raw, self.peer.raw)
        header = _check_proof(frame, RESPONDER, self.peer, hellos, self._secrets)
        proof = _make_proof(INITIATOR, self._own, self.peer, hellos, self._secrets)
        _check_confirmation(frame, RESPONDER, self.peer, hellos, self._secrets)
        return proof, header


class Responder:
    """The accepting side: `on_hello` gives the two frames to send, `on_proof` ends it."""

    __slots__ = ("_make_hello", "_own", "_secrets", "peer")

    def __init__(self, make_hello: "Callable[[str], Hello]", secrets: Secrets) -> None:
        """`make_hello(initiator's nodeId)` returns our hello to that node."""
        self._make_hello = make_hello
        self._secrets = secrets
        self._own: Hello | None = None
        self.peer: Hello | None = None

    def on_hello(self, raw: bytes) -> "tuple[bytes, bytes]":
        """Take the initiator's hello; return (our hello, our proof)."""
        peer = decode_hello(raw)
        own = self._make_hello(peer.node_id)
        _check_hello(peer, own, self._secrets)
        if peer.expected_node_id not in ("", own.node_id):
            raise ProtocolError("wrong-node", "another node is meant")
        self._own, self.peer = own, peer
        return own.raw, _make_proof(RESPONDER, own, peer, (peer.raw, own.raw), self._secrets)

    def on_proof(self, frame: bytes) -> bytes:
        """Take the initiator's proof; return the peer's stream header."""
        if self._own is None or self.peer is None:
            raise ProtocolError("protocol-violation", "proof before hello")
        hellos = (self.peer.raw, self._own.raw)
        header = _check_proof(frame, INITIATOR, self.peer, hellos, self._secrets)
        _check_confirmation(frame, INITIATOR, self.peer, hellos, self._secrets)
        return header


def _check_hello(peer: Hello, own: Hello, secrets: Secrets) -> None:
    if peer.network != own.network:
        raise ProtocolError("wrong-network", "the peer belongs to another network")
    if peer.node_id == own.node_id:
        # One process that dialled itself, or a clone: either way not a peer. `instance` tells.
        raise ProtocolError(
            "self" if peer.instance == own.instance else "clone",
            "the peer shows our own identity",
        )
    if secrets.admit is not None:
        secrets.admit(peer)


def _make_proof(
    role: str, own: Hello, peer: Hello, hellos: "tuple[bytes, bytes]", secrets: Secrets
) -> bytes:
    message = _message(role, own, hellos)
    proof = secrets.sign(message) + secrets.agree(peer.ephemeral_key)
    return proof if secrets.confirm is None else proof + secrets.confirm(message + proof, True)


def _check_proof(
    frame: bytes, role: str, peer: Hello, hellos: "tuple[bytes, bytes]", secrets: Secrets
) -> bytes:
    """Check the length and the signature; return the header of the peer's stream."""
    if len(frame) not in (PROOF_BYTES, CLOSED_PROOF_BYTES):
        raise ProtocolError("bad-proof", f"a proof has no {len(frame)} bytes")
    if not secrets.verify(
        bytes.fromhex(peer.node_id), _message(role, peer, hellos), frame[:SIGNATURE_BYTES]
    ):
        raise ProtocolError("bad-proof", "the signature over the hellos does not verify")
    return frame[SIGNATURE_BYTES:PROOF_BYTES]


def _check_confirmation(
    frame: bytes, role: str, peer: Hello, hellos: "tuple[bytes, bytes]", secrets: Secrets
) -> None:
    """Check that the peer knows the network's secret, as far as there is one here and there."""
    given = frame[PROOF_BYTES:]
    if secrets.confirm is None:
        if given:
            raise ProtocolError("wrong-network", "the peer's network has a secret, ours has none")
        return
    if not given:
        raise ProtocolError("wrong-network", "the peer has no secret, and this network has one")
    message = _message(role, peer, hellos) + frame[:PROOF_BYTES]
    if not _same(given, secrets.confirm(message, False)):
        raise ProtocolError("wrong-network", "the peer has another secret of the network")


def _message(role: str, signer: Hello, hellos: "tuple[bytes, bytes]") -> bytes:
    return handshake_bytes(role, signer.network, bytes.fromhex(signer.node_id), *hellos)


def _same(one: bytes, other: bytes) -> bool:
    """Compare in a time that does not tell where they differ."""
    difference = len(one) ^ len(other)
    for left, right in zip(one, other):
        difference |= left ^ right
    return difference == 0
