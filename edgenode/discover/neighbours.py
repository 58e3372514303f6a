"""Those whose signed announcements have been heard, in a table that no sender can make grow."""

from collections.abc import Callable
from typing import NamedTuple

from edgenode.core.advertisement import CONTEXT, decode_advertisement, decode_datagram
from edgenode.core.bucket import Bucket
from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.ip import from_mapped, parse_ip
from edgenode.core.signed import Signed, check
from edgenode.discover.crowd import Budget, one_too_many
from edgenode.discover.interfaces import Interface, literal, on_link
from edgenode.discover.sighting import LAN, OnSighting, Sighting

MAX_NEIGHBOURS = 256
"""As with mDNS; see `crowd` for who must go."""

DATAGRAMS = {"rate_per_s": 100, "burst": 300, "sender_rate_per_s": 5, "sender_burst": 16}
"""A reading costs 0.2 ms. A node announces once a minute, at its start a few times."""

VERIFICATIONS_PER_S, VERIFICATIONS_BURST = 50, 256
"""One costs 0.1 ms, on a small router 2 ms: a tenth of it at most, but all of a full table."""


class Neighbour:
    """One entry: the first address that it was heard from, and the newest that it has signed."""

    __slots__ = ("heard_s", "newest", "newest_hash", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.newest = (0, 0)  # epoch, seq
        self.newest_hash = 0
        self.heard_s = 0.0


class Heard(NamedTuple):
    """A neighbour that was heard, and whether for the first time."""

    node_id: str
    is_new: bool


class Neighbours:
    """Takes datagrams and tells of whom they are."""

    def __init__(
        self,
        *,
        network: str,
        node_id: str,
        node_timeout_s: float,
        verify_fn: Callable[[bytes, bytes, bytes], bool],
        on_seen: OnSighting,
        on_gone: Callable[[str], None],
    ) -> None:
        self._network = network
        self._node_id = node_id
        self._timeout_s = node_timeout_s
        self._verify_fn = verify_fn
        self._on_seen = on_seen
        self._on_gone = on_gone
        self._budget = Budget(**DATAGRAMS)
        self._verifications: Bucket | None = None
        self._neighbours: dict[str, Neighbour] = {}

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._neighbours)

    def take(
        self,
        datagram: bytes,
        sender: str,
        heard_on: int,
        interfaces: tuple[Interface, ...],
        now_s: float,
    ) -> Heard | None:
        """Take a datagram; None where it tells nothing, be it malformed, off-link or too much.

        `sender`: IP literal; `heard_on`: the number of the interface, 0 where it is not known.
        """
        source = _source(sender, heard_on, interfaces)
        now_ms = int(now_s * 1000)
        if not source or not self._budget.admits(source, now_ms):
            return None
        try:
            signed = decode_datagram(datagram)
            if not self._may_count(signed, hash(datagram), now_ms):
                return None
            advertisement = decode_advertisement(signed)
        except (DecodeError, ProtocolError):
            return None
        if advertisement.address not in ("", source.partition("%")[0]):
            return None  # not where it is heard from, and nobody is dialled on another's word
        return self._keep(signed, hash(datagram), advertisement.port, source, now_s)

    def expire(self, now_s: float) -> None:
        """Forget those of whom nothing was heard for too long."""
        for node_id, neighbour in list(self._neighbours.items()):
            if neighbour.heard_s + self._timeout_s <= now_s:
                del self._neighbours[node_id]
                self._on_gone(node_id)

    def next_expiry_s(self) -> float | None:
        """Return when the next one is to be forgotten, None where there is none."""
        heard = [neighbour.heard_s for neighbour in self._neighbours.values()]
        return min(heard) + self._timeout_s if heard else None

    def _may_count(self, signed: Signed, datagram_hash: int, now_ms: int) -> bool:
        """Check who signed; raises `ProtocolError`. False: ours, an old one, or no time for it."""
        if signed.node_id == self._node_id:
            return False
        known = self._neighbours.get(signed.node_id)
        if known is not None:
            if (signed.epoch, signed.seq) < known.newest:
                return False  # said again by whomever
            # The same comes once for each network that both are on. Nobody can make another
            # datagram with the same hash: it has a secret of this process in it.
            if datagram_hash == known.newest_hash:
                return True
        if self._verifications is None:
            self._verifications = Bucket(VERIFICATIONS_PER_S, VERIFICATIONS_BURST, now_ms)
        if self._verifications.take(1, now_ms):
            return False
        check(signed, CONTEXT, self._network, self._verify_fn)
        return True

    def _keep(
        self, signed: Signed, datagram_hash: int, port: int, source: str, now_s: float
    ) -> Heard | None:
        node_id = signed.node_id
        neighbour = self._neighbours.get(node_id)
        is_new = neighbour is None
        if neighbour is None:
            neighbour = self._neighbours[node_id] = Neighbour(source)
            if len(self._neighbours) > MAX_NEIGHBOURS:
                groups = {each: entry.source for each, entry in self._neighbours.items()}
                gone = one_too_many(groups)
                del self._neighbours[gone]
                if gone == node_id:
                    return None
                self._on_gone(gone)
        neighbour.newest = (signed.epoch, signed.seq)
        neighbour.newest_hash = datagram_hash
        neighbour.heard_s = now_s
        self._on_seen(Sighting(LAN, source, port, node_id, source))
        return Heard(node_id, is_new)


def _source(sender: str, heard_on: int, interfaces: tuple[Interface, ...]) -> str:
    """Return the address of an on-link sender, with its zone if it needs one; "" of any other."""
    packed = parse_ip(sender.partition("%")[0])
    if packed is None:
        return ""
    address = from_mapped(packed)
    behind = on_link(address, interfaces, heard_on)
    return "" if behind is None else literal(address, behind)
