"""The handshake of a link as two state machines, in open and closed networks, and its frames."""

from collections.abc import Callable

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.frame import decode_end
from edgenode.core.handshake import (
    CLOSED_PROOF_BYTES,
    CONFIRMATION_BYTES,
    PROOF_BYTES,
    STREAM_HEADER_BYTES,
    Initiator,
    Responder,
    Secrets,
)
from edgenode.core.hello import Hello, decode_hello
from edgenode.core.membership import Members
from edgenode.core.reasons import CLOSE_CODES
from edgenode.core.signed import Signed
from tests.fuzz.engine import Target
from tests.fuzz.mutation import STEP

OWN, PEER, FLEET = "0a" * 32, "0b" * 32, "0f" * 32
ERRORS = (DecodeError, ProtocolError)
HELLO = b"\x01"
"""Before a step that is a hello; any other is a proof."""


def verify(_key: bytes, _message: bytes, signature: bytes) -> bool:
    """Stands for a signature, so that what lies behind it is met too: one of zeros is good."""
    return not any(signature)


def _agree(key: bytes) -> bytes:
    if key[0] == 0xFF:
        raise ProtocolError("bad-proof", "a key of small order")
    return bytes(STREAM_HEADER_BYTES)


def _confirm(_message: bytes, _own: bool) -> bytes:
    return bytes(CONFIRMATION_BYTES)


def _secrets(closed: bool) -> Secrets:
    if not closed:
        return Secrets(lambda _: bytes(64), verify, _agree)
    members = Members("main", ["0c" * 32], [FLEET], verify, lambda: 1000)
    return Secrets(
        lambda _: bytes(64),
        verify,
        _agree,
        _confirm,
        lambda hello: members.check(hello.node_id, hello.membership),
    )


def _hello(node_id: str, expected: str, closed: bool = False) -> Hello:
    payload = f'{{"nodeId":"{node_id}","notAfter":2000}}'
    return Hello(
        network="main",
        node_id=node_id,
        expected_node_id=expected,
        nonce=bytes(32),
        ephemeral_key=bytes(32),
        instance=bytes(16),
        membership=Signed(FLEET, 1, 0, 5, payload, bytes(64)) if closed else None,
    )


def _responding(closed: bool) -> Callable[[bytes], str]:
    def run(data: bytes) -> str:
        machine = Responder(lambda peer: _hello(OWN, peer), _secrets(closed))
        for step in data.split(STEP):
            if step[:1] == HELLO:
                machine.on_hello(step[1:])
                continue
            header = machine.on_proof(step)
            _check(step, header, machine.peer, closed)
            return "linked"
        return "begun"

    return run


def _initiating(closed: bool) -> Callable[[bytes], str]:
    def run(data: bytes) -> str:
        machine = Initiator(_hello(OWN, PEER), _secrets(closed))
        for step in data.split(STEP):
            if step[:1] == HELLO:
                machine.on_hello(step[1:])
                continue
            _, header = machine.on_proof(step)
            _check(step, header, machine.peer, closed)
            assert machine.peer is not None
            assert machine.peer.node_id == PEER
            return "linked"
        return "begun"

    return run


def _check(proof: bytes, header: bytes, peer: Hello | None, closed: bool) -> None:
    assert len(proof) == (CLOSED_PROOF_BYTES if closed else PROOF_BYTES)
    assert not any(proof[:64])
    assert header == proof[64:PROOF_BYTES]
    assert peer is not None
    assert peer.network == "main"
    assert peer.node_id != OWN
    assert not closed or (peer.membership is not None and not any(proof[PROOF_BYTES:]))


def hello(data: bytes) -> int:
    """A hello that is read has what both sides sign: its own bytes."""
    found = decode_hello(data)
    assert found.raw == data
    return len(found.expected_node_id)


def end(data: bytes) -> str:
    """The reason is one of the protocol."""
    reason = decode_end(data)
    assert reason in CLOSE_CODES
    return reason


def _handshake(node_id: str, expected: str, closed: bool) -> list[bytes]:
    proof = bytes(CLOSED_PROOF_BYTES if closed else PROOF_BYTES)
    return [HELLO + _hello(node_id, expected, closed).raw + STEP + proof]


_CLOSED = _handshake(PEER, OWN, True)

TARGETS = (
    Target("hello", hello, ERRORS, lambda: [_hello(PEER, OWN, True).raw, _hello(PEER, "").raw]),
    Target("responder", _responding(False), ERRORS, lambda: _handshake(PEER, "", False)),
    Target("initiator", _initiating(False), ERRORS, lambda: _handshake(PEER, OWN, False)),
    Target("responder-closed", _responding(True), ERRORS, lambda: _CLOSED),
    Target("initiator-closed", _initiating(True), ERRORS, lambda: _CLOSED),
    Target("end", end, (), lambda: [b"bye", b"too-slow"], weight=1),
)
