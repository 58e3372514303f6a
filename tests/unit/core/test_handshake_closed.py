"""The handshake of a closed network: its secret and its members, with stand-ins as elsewhere."""

from edgenode.core.handshake import (
    CLOSED_PROOF_BYTES,
    PROOF_BYTES,
    SIGNATURE_BYTES,
    STREAM_HEADER_BYTES,
)
from tests.unit.core.test_handshake import A, B, Node, answer_to, code


def link(a: Node, b: Node) -> "tuple[bytes, bytes]":
    """Do the whole handshake; return both proofs."""
    initiator, raw = a.dial()
    responder = b.accept()
    hello, proof = responder.on_hello(raw)
    initiator.on_hello(hello)
    answer, header_of_b = initiator.on_proof(proof)
    assert (responder.on_proof(answer), header_of_b) == (a.header(), b.header())
    return proof, answer


def test_the_same_secret() -> None:
    proofs = link(Node(A, secret=b"s"), Node(B, secret=b"s"))
    assert [len(proof) for proof in proofs] == [CLOSED_PROOF_BYTES] * 2 == [120] * 2


def test_another_secret_or_none() -> None:
    for one, other in ((b"s", b"t"), (b"s", b""), (b"", b"s")):
        initiator, raw = Node(A, secret=one).dial()
        hello, proof = answer_to(raw, Node(B, secret=other))
        initiator.on_hello(hello)
        assert code(initiator.on_proof, proof) == "wrong-network"


def test_the_responder_asks_for_the_secret_too() -> None:
    for altered in (b"", bytes(32)):
        a, b = Node(A, secret=b"s"), Node(B, secret=b"s")
        initiator, raw = a.dial()
        responder = b.accept()
        hello, proof = responder.on_hello(raw)
        initiator.on_hello(hello)
        answer, _ = initiator.on_proof(proof)
        assert code(responder.on_proof, answer[:PROOF_BYTES] + altered) == "wrong-network"
        assert code(responder.on_proof, answer[: PROOF_BYTES + 31]) == "bad-proof"
        responder.on_proof(answer)


def test_a_confirmation_is_good_for_its_own_side_and_proof() -> None:
    a, b = Node(A, secret=b"s"), Node(B, secret=b"s")
    initiator, raw = a.dial()
    responder = b.accept()
    hello, proof = responder.on_hello(raw)
    initiator.on_hello(hello)
    answer, _ = initiator.on_proof(proof)
    assert code(responder.on_proof, answer[:PROOF_BYTES] + proof[PROOF_BYTES:]) == "wrong-network"
    turned = answer[:SIGNATURE_BYTES] + bytes(STREAM_HEADER_BYTES) + answer[PROOF_BYTES:]
    assert code(responder.on_proof, turned) == "wrong-network"


def test_both_sides_ask_who_belongs() -> None:
    a, b = Node(A), Node(B)
    b.members = [Node(3).node_id]
    _, raw = a.dial()
    assert code(answer_to, raw, b) == "not-a-member"
    assert b.agreed == []
    a, b = Node(A), Node(B)
    a.members = [Node(3).node_id]
    initiator, raw = a.dial()
    hello, _ = answer_to(raw, b)
    assert code(initiator.on_hello, hello) == "not-a-member"
    a.members = [b.node_id]
    initiator.on_hello(hello)
