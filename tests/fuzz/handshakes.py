"""Real handshakes, recorded, and played again in whole or in part."""

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.handshake import Initiator, Responder
from edgenode.core.hello import Hello
from edgenode.crypto import Opener, SealBroken, SigningKey
from edgenode.link.channel import Channel
from edgenode.link.handshake import LocalIdentity

NETWORK = "main"


def identity(number: int, secret: bytes) -> LocalIdentity:
    """Return a node; `secret` is the key of the network's secret, b"" for an open network."""
    key = SigningKey(bytes([number]) * 32)
    return LocalIdentity(NETWORK, key.public_key, key.sign, network_key=secret)


class Listener:
    """A responder that answers one hello, with keys of its own; `own` as it was the first time."""

    def __init__(self, who: LocalIdentity) -> None:
        self._channel = who.channel(initiator=False)
        self._hello = who.hello("", self._channel)
        self._machine = Responder(self._answer, who.secrets(self._channel))
        self._who = who

    def _answer(self, peer_id: str) -> Hello:
        self._hello.expected_node_id = peer_id
        self._hello.raw = self._hello._encode()
        return self._hello

    def hear(self, hello: bytes) -> tuple[bytes, bytes]:
        """Take a hello; return ours and our proof."""
        return self._machine.on_hello(hello)

    def admits(self, proof: bytes, frame: bytes) -> bool:
        """Tell whether a proof, and the first sealed frame after it, are taken."""
        try:
            header = self._machine.on_proof(proof)
            Opener(self._channel._receive_key, header).open(frame)
        except (ProtocolError, SealBroken):
            return False
        return True


class Caller:
    """An initiator that has dialled a `Listener`: what it said, and whether it takes an answer."""

    def __init__(self, who: LocalIdentity) -> None:
        self._who = who
        self.channel: Channel = who.channel(initiator=True)
        self._own = who.hello("", self.channel)
        self.hello = self._own.raw
        self.proof = b""
        self.frame = b""

    def finish(self, hello: bytes, proof: bytes) -> None:
        """Take the listener's answer, and say the rest."""
        machine = Initiator(self._own, self._who.secrets(self.channel))
        machine.on_hello(hello)
        self.proof, header = machine.on_proof(proof)
        self.channel.begin(header)
        self.frame = self.channel.seal(b"\x01first")


def recorded(listener: Listener, caller: Caller) -> tuple[bytes, bytes]:
    """Let the two speak; return the listener's hello and proof. The caller keeps its own."""
    answer = listener.hear(caller.hello)
    caller.finish(*answer)
    return answer


def caller_takes(who: LocalIdentity, hello: bytes, proof: bytes) -> bool:
    """Tell whether a new call takes this for an answer."""
    caller = Caller(who)
    try:
        caller.finish(hello, proof)
    except (DecodeError, ProtocolError):
        return False
    return True
