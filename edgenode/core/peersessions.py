"""Sessions of peers: challenges that this node need not remember, and one live token a node.

A challenge is 32 bytes: when it was made (ms, 8 bytes), its number (8), and a MAC over both and
the nodeId that it is for (16). So asking for challenges, however many, takes up nothing here. It
is good once: a node's session begins with a challenge of a higher number than its last one did.
"""

from edgenode.core.errors import EdgenodeError
from edgenode.core.pae import session_bytes
from edgenode.core.window import Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CHALLENGE_BYTES = 32
TOKEN_BYTES = 32
CHALLENGE_MS = 10_000  # a round trip, even by a satellite, and a signature by a slow machine
SESSION_MS = 3_600_000  # whoever steals a token, which travels in the clear, reads for so long

# Five times the links there are; about 400 bytes each. Over that, the oldest of those who came
# from the network that has most goes: a crowd from one place displaces itself.
MAX_SESSIONS = 256

_MAC_BYTES = 16


class SessionRefused(EdgenodeError):
    """No session: `code` is `challenge-refused` or `bad-signature`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PeerSession:
    """A session that lives: whose it is, until when (ms), what was asked in it."""

    __slots__ = ("expires_ms", "node_id", "number", "prefix", "token_hash", "window")

    def __init__(
        self, node_id: str, prefix: bytes, number: int, token_hash: bytes, expires_ms: int
    ) -> None:
        self.node_id = node_id
        self.prefix = prefix
        self.number = number
        self.token_hash = token_hash
        self.expires_ms = expires_ms
        self.window = Window()


class PeerSessions:
    """The sessions of peers with this node; `now_ms` is a clock that is never set.

    `mac` gives 16 bytes over bytes, by a key that nobody else has and that lasts as long as this
    object; `hash16` is `crypto.digest16`; `verify_fn` takes (public key, message, signature).
    """

    def __init__(
        self,
        *,
        own_id: str,
        network: str,
        mac: "Callable[[bytes], bytes]",
        hash16: "Callable[[bytes], bytes]",
        verify_fn: "Callable[[bytes, bytes, bytes], bool]",
    ) -> None:
        self._audience = bytes.fromhex(own_id)
        self._network = network
        self._mac = mac
        self._hash16 = hash16
        self._verify = verify_fn
        self._count = 0
        self._by_node: dict[str, PeerSession] = {}
        self._by_hash: dict[bytes, PeerSession] = {}
        # Challenges up to this number are dead: a session that began with one is forgotten.
        self._floor = 0

    def __len__(self) -> int:
        return len(self._by_node)

    def challenge(self, node_id: str, now_ms: int) -> bytes:
        """Return a challenge for a node, good for CHALLENGE_MS."""
        self._count += 1
        made = now_ms.to_bytes(8, "big") + self._count.to_bytes(8, "big")
        return made + self._mac(bytes.fromhex(node_id) + made)

    def begin(
        self,
        node_id: str,
        challenge: bytes,
        signature: bytes,
        token: bytes,
        prefix: bytes,
        now_ms: int,
        admit: "Callable[[], None]" = lambda: None,
    ) -> PeerSession:
        """Return a new session with the random `token`; an earlier one of the node is over.

        `prefix` stands for the network that the caller comes from. `admit()` raises for a node that
        gets none; it is asked once it is proved who asks, or anybody could ask about others. Raises
        `SessionRefused`.
        """
        number = self._number(node_id, challenge, now_ms)
        public_key = bytes.fromhex(node_id)
        message = session_bytes(self._network, public_key, self._audience, challenge)
        if not self._verify(public_key, message, signature):
            raise SessionRefused("bad-signature", "signature: does not verify")
        admit()
        earlier = self._by_node.get(node_id)
        if earlier is not None:
            self._forget(earlier)
        self._make_room(now_ms)
        token_hash = self._hash16(token)
        session = PeerSession(node_id, prefix, number, token_hash, now_ms + SESSION_MS)
        self._by_node[node_id] = self._by_hash[token_hash] = session
        return session

    def find(self, token: bytes, now_ms: int) -> "PeerSession | None":
        """Return the live session with this token.

        It is found by its hash, so that the time it takes tells nothing of the tokens there are.
        """
        session = self._by_hash.get(self._hash16(token))
        if session is not None and session.expires_ms <= now_ms:
            self._forget(session)
            return None
        return session

    def end(self, node_id: str) -> None:
        """End the session of a node, where it has one."""
        session = self._by_node.get(node_id)
        if session is not None:
            self._floor = max(self._floor, session.number)
            self._forget(session)

    def _number(self, node_id: str, challenge: bytes, now_ms: int) -> int:
        made, mac = challenge[:-_MAC_BYTES], challenge[-_MAC_BYTES:]
        refused = SessionRefused("challenge-refused", "challenge: used, too old, or of another")
        if len(challenge) != CHALLENGE_BYTES:
            raise refused
        if not _same(self._mac(bytes.fromhex(node_id) + made), mac):
            raise refused
        made_ms = int.from_bytes(made[:8], "big")
        number = int.from_bytes(made[8:], "big")
        session = self._by_node.get(node_id)
        used = self._floor if session is None else max(self._floor, session.number)
        if now_ms - made_ms > CHALLENGE_MS or number <= used:
            raise refused
        return number

    def _make_room(self, now_ms: int) -> None:
        if len(self._by_node) < MAX_SESSIONS:
            return
        counts: dict[bytes, int] = {}
        for session in list(self._by_node.values()):
            if session.expires_ms <= now_ms:
                self._forget(session)
            else:
                counts[session.prefix] = counts.get(session.prefix, 0) + 1
        if len(self._by_node) < MAX_SESSIONS:
            return
        most = max(counts.values())
        crowd = [found for found in self._by_node.values() if counts[found.prefix] == most]
        self.end(min(crowd, key=lambda found: found.number).node_id)

    def _forget(self, session: PeerSession) -> None:
        del self._by_node[session.node_id]
        del self._by_hash[session.token_hash]


def _same(one: bytes, other: bytes) -> bool:
    """Compare in a time that does not depend on where they differ."""
    difference = len(one) ^ len(other)
    for a, b in zip(one, other):
        difference |= a ^ b
    return difference == 0
