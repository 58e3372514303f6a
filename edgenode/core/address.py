"""One entry of the address table, and where in the table it may stand."""

from edgenode.core.dialback import IPV4_NETWORK_BYTES, IPV6_NETWORK_BYTES, network_of
from edgenode.core.events import MAX_PORT
from edgenode.core.ip import IPV4_BYTES, format_ip, from_mapped, parse_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PORT_BYTES = 2

# 64 buckets, so that those of a few networks are few of them. What is told gets twice the room of
# what is proved; 512 proved addresses are 32 for each link that a node dials.
NEW_BUCKETS = 64
NEW_BUCKET_SIZE = 16
TRIED_BUCKETS = 64
TRIED_BUCKET_SIZE = 8

# Who tells from one network fills 4 of 64 buckets of what is told, and the addresses of one
# network have 2 of 64 among those that are proved: 3 %.
NEW_BUCKETS_OF_SOURCE = 4
TRIED_BUCKETS_OF_NETWORK = 2

# Of an address that nobody has told for so long nothing is known.
STALE_S = 30 * 86400
# One that never answered is given up soon, one that once did is given a week.
MAX_FAILURES_UNPROVED = 3
MAX_FAILURES = 10
FAILING_S = 7 * 86400
# One that is being dialled just now is not judged.
JUDGED_AFTER_S = 60
# After an attempt others come first for so long.
RESTING_S = 600

_IPV4_KEY_BYTES = IPV4_BYTES + PORT_BYTES

WHOLE_CHANCE = 1000
_RESTING_CHANCE = 10
_MAX_FAILURES_FELT = 8


class Address:
    """Where a node is said to be, or was reached; times are seconds of the table's own clock.

    `key` is the address with the port; `node_id` the 32 bytes of who answers there, b"" where it
    is not known; `source` the network of who told; `failures` those since the last success.
    """

    __slots__ = (
        "attempt_s",
        "counted_s",
        "failures",
        "heard_s",
        "key",
        "node_id",
        "slot",
        "source",
        "success_s",
        "tried",
    )

    def __init__(self, key: bytes, node_id: bytes, source: bytes, heard_s: int) -> None:
        self.key = key
        self.node_id = node_id
        self.source = source
        self.heard_s = heard_s
        self.success_s = 0
        self.attempt_s = 0
        self.counted_s = 0
        self.failures = 0
        self.tried = False
        self.slot = -1

    @property
    def host(self) -> str:
        """IP literal."""
        return format_ip(self.key[:-PORT_BYTES])

    @property
    def port(self) -> int:
        """TCP."""
        return int.from_bytes(self.key[-PORT_BYTES:], "big")

    def is_terrible(self, now_s: int) -> bool:
        """Tell whether the place may go to another."""
        if self.attempt_s and now_s - self.attempt_s < JUDGED_AFTER_S:
            return False
        if now_s - max(self.heard_s, self.success_s) > STALE_S:
            return True
        if not self.success_s:
            return self.failures >= MAX_FAILURES_UNPROVED
        return self.failures >= MAX_FAILURES and now_s - self.success_s > FAILING_S

    def chance(self, now_s: int) -> int:
        """Return how likely it is to be dialled now rather than another, at most WHOLE_CHANCE."""
        resting = self.attempt_s and now_s - self.attempt_s < RESTING_S
        chance = _RESTING_CHANCE if resting else WHOLE_CHANCE
        for _ in range(min(self.failures, _MAX_FAILURES_FELT)):
            chance = chance * 2 // 3
        return max(1, chance)


def address_key(host: str, port: int) -> "bytes | None":
    """Return the key of a global address; None for every other, and for a port that is none."""
    if network_of(host) is None or not 0 < port <= MAX_PORT:
        return None
    packed = parse_ip(host)
    assert packed is not None
    return from_mapped(packed) + port.to_bytes(PORT_BYTES, "big")


def key_network(key: bytes) -> bytes:
    """Return the network of an address by its key."""
    return key[: IPV4_NETWORK_BYTES if len(key) == _IPV4_KEY_BYTES else IPV6_NETWORK_BYTES]


def new_bucket(keyed_hash: "Callable[[bytes], bytes]", key: bytes, source: bytes) -> int:
    """Return the bucket of an address that somebody of the network `source` has told."""
    spread = _number(keyed_hash, 0, _joined(key_network(key), source)) % NEW_BUCKETS_OF_SOURCE
    return _number(keyed_hash, 1, _joined(source, bytes([spread]))) % NEW_BUCKETS


def tried_bucket(keyed_hash: "Callable[[bytes], bytes]", key: bytes) -> int:
    """Return the bucket of an address at which a node was reached."""
    spread = _number(keyed_hash, 2, key) % TRIED_BUCKETS_OF_NETWORK
    return _number(keyed_hash, 3, _joined(key_network(key), bytes([spread]))) % TRIED_BUCKETS


def _joined(first: bytes, second: bytes) -> bytes:
    return bytes([len(first)]) + first + second


def _number(keyed_hash: "Callable[[bytes], bytes]", use: int, data: bytes) -> int:
    return int.from_bytes(keyed_hash(bytes([use]) + data)[:8], "little")
