"""How much an address, its prefix, a peer and all together may ask for in a window of time.

Counted is what requests cost, not how many they are. A window begins with the first request in it;
what was spent beyond the limit, by an answer that turned out large, is carried into the next.
"""

from edgenode.core.ip import IPV4_BYTES, from_mapped

# What requests cost. One unit is a small answer that is at hand: about a millisecond of a slow
# processor, headers and all.
SMALL_READ = 1
ANSWER_BYTES = 1024 * 1024  # of a body for one unit more: some 2 MB/s to one address by default
SIGNATURE_CHECK = 1  # a quarter of a millisecond on a Pi, and the JSON around it
AUTH_CHALLENGE = 2  # takes a place in a bounded table
AUTH_SESSION = 3  # a check, a random token and its hash
LOOK_UPS = 20  # blocks asked for in one request, for one unit more
PEER_WRITE = 4  # two checks, and what it takes to be durable
HANDSHAKE = 2  # a check, a signature and a key agreement

# Multiples of the limit of one address. As with connections (8, 16, 8, 32): two households in a
# /24 at full use, four in a /48.
PREFIX_24 = 2
PREFIX_48 = 4
# Peers who show a token have a limit each; all of them at one address have this together, or keys,
# which cost nothing, would buy room.
PEERS_OF_ADDRESS = 4
# All together: 100 small reads a second by default, a fifth of what a slow board can do. Beyond
# it, those who have asked for little go on until twice as much.
NODE = 50
NODE_HARD = 100
LITTLE = 8  # little is an eighth of an address's limit

# Sources remembered: a flood from more of them meets the limits of the prefixes and of the node.
# 0.5 MB at worst.
MAX_SOURCES = 2048
# So many of them are dropped at once when there is no room, so that finding them costs little.
DROPPED_AT_ONCE = 256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Refusal:
    """The limit that stands against a request: its name, its size, and the time to wait."""

    __slots__ = ("limit", "policy", "shut_out", "wait_ms", "window_ms")

    def __init__(
        self, policy: str, limit: float, window_ms: int, wait_ms: int, *, shut_out: bool = False
    ) -> None:
        """`policy` is "address", "prefix", "peer" or "node".

        `shut_out`: the address was over its limit in as many windows as are tolerated, just now.
        """
        self.policy = policy
        self.limit = limit
        self.window_ms = window_ms
        self.wait_ms = wait_ms
        self.shut_out = shut_out


class _Use:
    """What one source has spent in the window that began at `since_ms`."""

    __slots__ = ("asked", "over", "since_ms", "spent", "windows_over")

    def __init__(self, now_ms: int) -> None:
        self.since_ms = now_ms
        self.spent = 0.0
        self.asked = 0.0  # in this window, what was refused too
        self.over = False  # asked for more than the limit in this window
        self.windows_over = 0  # of those before; a window in which it did not takes one away

    def load(self) -> "tuple[int, float]":
        return (self.windows_over + self.over, self.spent)


class RateLimit:
    """Counts what is spent, in tables that are bounded; times are monotonic, in ms."""

    def __init__(self, *, window_ms: int, max_requests: int, threshold: int, now_ms: int) -> None:
        """`threshold`: a `Refusal` says `shut_out` when so many windows were over the limit.

        In which more than the limit was asked for, that is: who waits for what a large answer has
        cost, and asks now and then whether it may go on, is not.
        """
        self.window_ms = window_ms
        self.max_requests = max_requests
        self._threshold = threshold
        self._uses: dict[bytes, _Use] = {}
        self._node = _Use(now_ms)

    def __len__(self) -> int:
        """Return how many sources are remembered."""
        return len(self._uses)

    def charge(
        self, address: bytes, cost: float, now_ms: int, *, near: bool = False, peer: bytes = b""
    ) -> "Refusal | None":
        """Take `cost`, and return None; or take nothing, and return what stands against it.

        `near`: a source of this host or its network, which has no prefix but itself, and goes on
        however much strangers ask for. `peer` is the id of the peer who has shown a token.
        """
        uses = [
            (policy, factor, self._use(key, factor, now_ms))
            for policy, factor, key in _sources(address, near, peer)
        ]
        for policy, factor, use in uses:
            use.asked += cost
            limit = factor * self.max_requests
            if use.spent and use.spent + cost > limit:
                return self._refuse(policy, limit, use, now_ms)
        node = self._node
        self._roll(node, NODE, now_ms)
        soft, hard = NODE * self.max_requests, NODE_HARD * self.max_requests
        first = uses[0][2]
        has_little = LITTLE * (first.spent + cost) <= self.max_requests
        if not near and node.spent + cost > (hard if has_little else soft):
            return Refusal("node", soft, self.window_ms, self._left_ms(node, now_ms))
        node.spent += cost
        for _, _, use in uses:
            use.spent += cost
        return None

    def owe(
        self, address: bytes, cost: float, now_ms: int, *, near: bool = False, peer: bytes = b""
    ) -> None:
        """Add what a request turned out to cost, once it was let through."""
        for _, factor, key in _sources(address, near, peer):
            self._use(key, factor, now_ms).spent += cost
        self._roll(self._node, NODE, now_ms)
        self._node.spent += cost

    def _refuse(self, policy: str, limit: float, use: _Use, now_ms: int) -> Refusal:
        newly = not use.over and use.asked > limit
        use.over = use.over or newly
        shut_out = policy == "address" and newly and use.windows_over + 1 >= self._threshold
        if shut_out:
            use.windows_over = 0
        windows = max(1, -int(-use.spent // limit))  # more than one where much is owed
        wait_ms = self._left_ms(use, now_ms) + (windows - 1) * self.window_ms
        return Refusal(policy, limit, self.window_ms, wait_ms, shut_out=shut_out)

    def _left_ms(self, use: _Use, now_ms: int) -> int:
        return max(1, use.since_ms + self.window_ms - now_ms)

    def _use(self, key: bytes, factor: int, now_ms: int) -> _Use:
        use = self._uses.get(key)
        if use is None:
            if len(self._uses) >= MAX_SOURCES:
                self._make_room(now_ms)
            use = self._uses[key] = _Use(now_ms)
        self._roll(use, factor, now_ms)
        return use

    def _roll(self, use: _Use, factor: int, now_ms: int) -> None:
        ended = (now_ms - use.since_ms) // self.window_ms
        if ended <= 0:
            return
        change = 1 if use.over else -1
        use.windows_over = max(0, max(0, use.windows_over + change) - (ended - 1))
        use.over = False
        use.asked = 0.0
        use.spent = max(0.0, use.spent - ended * factor * self.max_requests)
        # A window begins with a request, unless something is left from before.
        use.since_ms = use.since_ms + ended * self.window_ms if use.spent else now_ms

    def _make_room(self, now_ms: int) -> None:
        """Drop the least loaded: nobody is forgiven because many others come."""
        for key, use in list(self._uses.items()):
            if not use.windows_over and not use.over and now_ms - use.since_ms >= self.window_ms:
                self._roll(use, 1, now_ms)
                if not use.spent:
                    del self._uses[key]
        excess = len(self._uses) + DROPPED_AT_ONCE - MAX_SOURCES
        if excess > 0:
            by_load = sorted([(use.load(), key) for key, use in self._uses.items()])
            for _, key in by_load[:excess]:
                del self._uses[key]


def _sources(address: bytes, near: bool, peer: bytes) -> "Sequence[tuple[str, int, bytes]]":
    """Return (policy, multiple of the limit, key) of each source that a request counts for."""
    address = from_mapped(address)
    factor = 1
    found = []
    kind = b"a"
    if peer:
        found.append(("peer", 1, b"p" + peer))
        factor = PEERS_OF_ADDRESS
        kind = b"s"  # counted apart from what is asked without a token
    ipv4 = len(address) == IPV4_BYTES
    own = address if ipv4 or near else address[:8]
    found.append(("prefix" if peer else "address", factor, kind + own))
    if not near:
        wider = address[:3] if ipv4 else address[:6]
        found.append(("prefix", factor * (PREFIX_24 if ipv4 else PREFIX_48), kind + wider))
    return found
