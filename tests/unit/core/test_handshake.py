"""The handshake with stand-ins for signature and key agreement that bind what real ones bind."""

from edgenode.core.errors import DecodeError, EdgenodeError, ProtocolError
from edgenode.core.handshake import (
    INITIATOR,
    PROOF_BYTES,
    RESPONDER,
    SIGNATURE_BYTES,
    STREAM_HEADER_BYTES,
    Initiator,
    Responder,
    Secrets,
)
from edgenode.core.hello import Hello
from edgenode.core.pae import handshake_bytes
from tests.unit.core.helpers import raises

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from edgenode.core.signed import Signed

MASK = 2**64 - 1


def digest(data: bytes) -> bytes:
    """Give 64 bytes in which every bit of the data shows (FNV-1a, eight times)."""
    words = []
    for start in range(8):
        state = 0xCBF29CE484222325 + start
        for byte in data:
            state = ((state ^ byte) * 0x100000001B3) & MASK
        words.append(state.to_bytes(8, "big"))
    return b"".join(words)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    return signature == digest(public_key + message)


class Node:
    """One node: its key, its process, and how often it was asked to agree on keys."""

    def __init__(
        self, number: int, *, network: str = "main", instance: int = 0, secret: bytes = b""
    ) -> None:
        self.key = bytes((number,)) * 32
        self.node_id = self.key.hex()
        self.network = network
        self.instance = bytes((instance or number,)) * 16
        self.drawn = 0
        self.agreed: list[bytes] = []
        self.secret = secret
        self.membership: Signed | None = None
        self.members: list[str] = []

    def hello(self, expected: str) -> Hello:
        self.drawn += 1
        return Hello(
            network=self.network,
            node_id=self.node_id,
            expected_node_id=expected,
            nonce=bytes((self.drawn,)) * 32,
            ephemeral_key=bytes((self.key[0] ^ 0x80,)) * 31 + bytes((self.drawn,)),
            instance=self.instance,
            membership=self.membership,
        )

    def header(self) -> bytes:
        return bytes((self.key[0] ^ 0x40,)) * STREAM_HEADER_BYTES

    def secrets(self) -> Secrets:
        def sign(message: bytes) -> bytes:
            return digest(self.key + message)

        def agree(peer_key: bytes) -> bytes:
            self.agreed.append(peer_key)
            return self.header()

        def confirm(message: bytes, _own: bool) -> bytes:
            return digest(self.secret + message)[:32]

        def admit(hello: Hello) -> None:
            if self.members and hello.node_id not in self.members:
                raise ProtocolError("not-a-member", "not listed")

        return Secrets(sign, verify, agree, confirm if self.secret else None, admit)

    def dial(self, expected: str = "") -> "tuple[Initiator, bytes]":
        own = self.hello(expected)
        return Initiator(own, self.secrets()), own.raw

    def accept(self) -> Responder:
        return Responder(self.hello, self.secrets())


A = 1
B = 2


def code(call: "Callable[..., object]", *args: object) -> str:
    """Give the code of the error with which the call refuses."""
    return raises(EdgenodeError, call, *args).code


def answer_to(raw: bytes, node: Node) -> "tuple[bytes, bytes]":
    return node.accept().on_hello(raw)


def test_both_sides_come_to_the_same() -> None:
    for expected in ("", Node(B).node_id):
        a, b = Node(A), Node(B)
        initiator, raw = a.dial(expected)
        responder = b.accept()
        hello, proof = responder.on_hello(raw)
        initiator.on_hello(hello)
        answer, header_of_b = initiator.on_proof(proof)
        header_of_a = responder.on_proof(answer)
        assert (header_of_a, header_of_b) == (a.header(), b.header())
        assert initiator.peer is not None
        assert responder.peer is not None
        assert initiator.peer.node_id == b.node_id
        assert responder.peer.node_id == a.node_id
        assert a.agreed == [initiator.peer.ephemeral_key]
        assert b.agreed == [responder.peer.ephemeral_key]
        assert len(proof) == len(answer) == PROOF_BYTES == 88


def test_wrong_network() -> None:
    _, raw = Node(A).dial()
    assert code(answer_to, raw, Node(B, network="other")) == "wrong-network"
    initiator, raw = Node(A, network="other").dial()
    hello, _ = answer_to(raw, Node(B, network="other"))
    initiator, _ = Node(A).dial()
    assert code(initiator.on_hello, hello) == "wrong-network"


def test_another_node_than_expected_answers() -> None:
    initiator, _ = Node(A).dial(Node(B).node_id)
    # Whoever it is: he answers a hello that was meant for him.
    _, raw = Node(A).dial()
    hello, _ = answer_to(raw, Node(3))
    assert code(initiator.on_hello, hello) == "wrong-node"


def test_another_node_is_meant() -> None:
    _, raw = Node(A).dial(Node(3).node_id)
    assert code(answer_to, raw, Node(B)) == "wrong-node"


def test_an_answer_for_another_node() -> None:
    _, raw = Node(3).dial()
    hello, _ = answer_to(raw, Node(B))
    initiator, _ = Node(A).dial()
    assert code(initiator.on_hello, hello) == "wrong-node"


def test_an_answer_for_nobody() -> None:
    initiator, _ = Node(A).dial()
    assert code(initiator.on_hello, Node(B).hello("").raw) == "wrong-node"


def test_self_and_clone() -> None:
    _, raw = Node(A).dial()
    assert code(answer_to, raw, Node(A)) == "self"
    assert code(answer_to, raw, Node(A, instance=9)) == "clone"
    initiator, raw = Node(A).dial()
    assert code(initiator.on_hello, Node(A).hello(Node(A).node_id).raw) == "self"
    clone = Node(A, instance=9).hello(Node(A).node_id)
    assert code(initiator.on_hello, clone.raw) == "clone"


def test_malformed_and_wrong_version() -> None:
    initiator, _ = Node(A).dial()
    for refuse in (initiator.on_hello, Node(B).accept().on_hello):
        raises(DecodeError, refuse, b"{}")
        assert code(refuse, b'{"version":2}') == "wrong-version"


def test_nothing_is_signed_or_agreed_for_a_refused_hello() -> None:
    b = Node(B, network="other")
    code(answer_to, Node(A).dial()[1], b)
    assert b.agreed == []


def test_a_proof_before_the_hello() -> None:
    initiator, _ = Node(A).dial()
    assert code(initiator.on_proof, bytes(88)) == "protocol-violation"
    assert code(Node(B).accept().on_proof, bytes(88)) == "protocol-violation"


def test_a_refused_hello_opens_no_way_for_a_proof() -> None:
    initiator, _ = Node(A).dial()
    code(initiator.on_hello, b"{}")
    assert code(initiator.on_proof, bytes(88)) == "protocol-violation"
    responder = Node(B).accept()
    code(responder.on_hello, Node(A).dial(Node(3).node_id)[1])
    assert code(responder.on_proof, bytes(88)) == "protocol-violation"


def test_proofs_of_a_wrong_length() -> None:
    initiator, raw = Node(A).dial()
    responder = Node(B).accept()
    hello, proof = responder.on_hello(raw)
    initiator.on_hello(hello)
    for wrong in (b"", proof[:-1], proof + b"\0", proof[:SIGNATURE_BYTES]):
        assert code(initiator.on_proof, wrong) == "bad-proof"
        assert code(responder.on_proof, wrong) == "bad-proof"


def test_the_initiator_agrees_only_after_the_proof() -> None:
    a = Node(A)
    initiator, raw = a.dial()
    hello, _ = answer_to(raw, Node(B))
    initiator.on_hello(hello)
    assert code(initiator.on_proof, bytes(88)) == "bad-proof"
    assert a.agreed == []


def test_a_key_that_cannot_be_agreed_on() -> None:
    def refuse(peer_key: bytes) -> bytes:
        raise ProtocolError("bad-proof", "unacceptable")

    b = Node(B)
    secrets = b.secrets()
    secrets.agree = refuse
    assert code(Responder(b.hello, secrets).on_hello, Node(A).dial()[1]) == "bad-proof"


def test_a_proof_is_not_good_for_the_other_role() -> None:
    a, b = Node(A), Node(B)
    initiator, raw = a.dial()
    responder = b.accept()
    hello, proof = responder.on_hello(raw)
    initiator.on_hello(hello)
    assert code(responder.on_proof, proof) == "bad-proof"
    for signer, role, check in ((a, RESPONDER, responder), (b, INITIATOR, initiator)):
        message = handshake_bytes(role, "main", signer.key, raw, hello)
        forged = signer.secrets().sign(message) + signer.header()
        assert code(check.on_proof, forged) == "bad-proof"


def test_a_proof_for_other_hellos() -> None:
    a, b = Node(A), Node(B)
    first, raw = a.dial()
    hello, proof = answer_to(raw, b)
    second, raw_2 = a.dial()
    hello_2, _ = answer_to(raw_2, b)
    second.on_hello(hello_2)
    assert code(second.on_proof, proof) == "bad-proof"
    first.on_hello(hello)
    first.on_proof(proof)


def test_a_recorded_handshake_is_worth_nothing() -> None:
    a, b = Node(A), Node(B)
    initiator, raw = a.dial()
    responder = b.accept()
    hello, proof = responder.on_hello(raw)
    initiator.on_hello(hello)
    answer, _ = initiator.on_proof(proof)
    responder.on_proof(answer)
    # Played again to the responder: its own hello is another one now.
    again = b.accept()
    again.on_hello(raw)
    assert code(again.on_proof, answer) == "bad-proof"
    # Played again to the initiator, who has another hello.
    other, _ = a.dial()
    other.on_hello(hello)
    assert code(other.on_proof, proof) == "bad-proof"


def flipped(frame: bytes) -> "list[bytes]":
    """Give the frame with one bit changed, once for each byte."""
    variants = []
    for place in range(len(frame)):
        changed = bytearray(frame)
        changed[place] ^= 1
        variants.append(bytes(changed))
    return variants


def test_a_changed_initiator_hello_is_refused() -> None:
    # Someone in between changes it on its way: at the latest a proof does not verify.
    a, b = Node(A), Node(B)
    for changed in flipped(a.dial(b.node_id)[1]):
        a.drawn = b.drawn = 0
        initiator, raw = a.dial(b.node_id)
        assert changed != raw
        try:
            hello, proof = b.accept().on_hello(changed)
            initiator.on_hello(hello)
            initiator.on_proof(proof)
        except EdgenodeError:
            continue
        raise AssertionError("a changed hello was taken", changed)


def test_a_changed_responder_hello_is_refused() -> None:
    a, b = Node(A), Node(B)
    raw = a.dial()[1]
    hello, proof = answer_to(raw, b)
    for changed in flipped(hello):
        a.drawn = 0
        initiator, _ = a.dial()
        try:
            initiator.on_hello(changed)
            initiator.on_proof(proof)
        except EdgenodeError:
            continue
        raise AssertionError("a changed hello was taken", changed)


def test_a_changed_signature_is_refused() -> None:
    # The header of the stream stands behind it, unsigned: a changed one opens nothing.
    a, b = Node(A), Node(B)
    initiator, raw = a.dial()
    responder = b.accept()
    hello, proof = responder.on_hello(raw)
    initiator.on_hello(hello)
    answer, _ = initiator.on_proof(proof)
    for changed in flipped(proof)[:SIGNATURE_BYTES]:
        assert code(initiator.on_proof, changed) == "bad-proof"
    for changed in flipped(answer)[:SIGNATURE_BYTES]:
        assert code(responder.on_proof, changed) == "bad-proof"
    responder.on_proof(answer)


def test_someone_else_cannot_prove_the_claimed_id() -> None:
    thief = Node(3)
    initiator, raw = Node(A).dial()
    stolen = Node(B).hello(Node(A).node_id)
    initiator.on_hello(stolen.raw)
    proof = thief.secrets().sign(raw + stolen.raw) + thief.header()
    assert code(initiator.on_proof, proof) == "bad-proof"
