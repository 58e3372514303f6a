"""Who may come in, and how much of it: rate limits and the blacklist, asked by all that listens."""

import logging
from collections.abc import Callable

from edgenode.core.blacklist import NODE, OPERATOR, Blacklist
from edgenode.core.ip import from_mapped, kind, parse_ip
from edgenode.core.ratelimit import RateLimit, Refusal
from edgenode.daemon.config.sections import RateLimitConfig

# What a peer says that no honest node would: its address is shut out.
VIOLATIONS = frozenset(
    (
        "malformed",
        "frame-too-large",
        "bad-proof",
        "bad-seal",
        "bad-signature",
        "protocol-violation",
    )
)
RATE = "over-rate"
"""The reason of an address that was over its limit in too many windows."""

log = logging.getLogger(__name__)


class Gate:
    """The node's limits, with the clock; an `address` is an IP literal, a zone is dropped."""

    def __init__(
        self,
        limits: RateLimitConfig,
        *,
        is_near: Callable[[bytes], bool],
        is_static: Callable[[bytes], bool],
        now_ms: Callable[[], int],
    ) -> None:
        """`is_near`: of this host or its network. `is_static`: a static peer has the address."""
        self.rate = RateLimit(
            window_ms=limits.window,
            max_requests=limits.max_requests,
            threshold=limits.blacklist_threshold,
            now_ms=now_ms(),
        )
        self.blacklist = Blacklist(limits.blacklist_duration)
        self.is_near = is_near
        self._is_static = is_static
        self._now_ms = now_ms
        self.refused: dict[str, int] = dict.fromkeys(("address", "prefix", "peer", "node"), 0)
        """Policy → requests and handshakes that were refused for it."""
        self.turned_away = 0
        """How often one who is shut out came all the same."""

    def admits(self, address: str) -> bool:
        """Tell whether one from `address` may connect: it is not shut out."""
        if not self.is_shut_out(address):
            return True
        self.turned_away += 1
        return False

    def is_shut_out(self, address: str) -> bool:
        """Tell whether `address` may neither connect nor be dialled."""
        packed = pack(address)
        if packed is None or self.blacklist.find(packed, self._now_ms()) is None:
            return False
        return not self.is_exempt(packed)

    def charge(self, address: str, cost: float, *, peer: str = "") -> float:
        """Take `cost` of what `address` may spend; return 0.0, or the seconds to wait.

        `peer`: the id of the peer that has shown who it is, whose own limit counts then.
        """
        refusal = self.refusal(address, cost, peer=peer)
        return 0.0 if refusal is None else refusal.wait_ms / 1000

    def refusal(self, address: str, cost: float, *, peer: str = "") -> Refusal | None:
        """Do as `charge`, and return what stands against it."""
        packed = pack(address)
        if packed is None:
            return None
        near = self.is_near(packed)
        refusal = self.rate.charge(
            packed, cost, self._now_ms(), near=near, peer=bytes.fromhex(peer)
        )
        if refusal is None:
            return None
        self.refused[refusal.policy] += 1
        if refusal.shut_out:
            self._shut_out(packed, RATE)
        return refusal

    def owe(self, address: str, cost: float, *, peer: str = "") -> None:
        """Add what an answer has cost beyond what was charged; later requests wait for it."""
        packed = pack(address)
        if packed is not None and cost > 0:
            near = self.is_near(packed)
            self.rate.owe(packed, cost, self._now_ms(), near=near, peer=bytes.fromhex(peer))

    def shut_out(self) -> dict[str, int]:
        """Return how many addresses are shut out now, by who said so."""
        entries = self.blacklist.entries(self._now_ms())
        mine = sum(entry.by == NODE for entry in entries)
        return {NODE: mine, OPERATOR: len(entries) - mine}

    def violated(self, address: str, reason: str) -> None:
        """Shut `address` out for what came from it; never loopback, never a static peer."""
        packed = pack(address)
        if packed is not None:
            self._shut_out(packed, reason)

    def refused_link(self, address: str, reason: str) -> None:
        """Take note of a handshake that this node has ended, which may be no violation."""
        if reason in VIOLATIONS:
            self.violated(address, reason)

    def is_exempt(self, packed: bytes) -> bool:
        """Tell whether an address is never shut out: loopback, or a static peer's."""
        return kind(packed) == "loopback" or self._is_static(packed)

    def _shut_out(self, packed: bytes, reason: str) -> None:
        if self.is_exempt(packed):
            return
        now_ms = self._now_ms()
        entry = self.blacklist.punish(packed, reason, now_ms, near=self.is_near(packed))
        if entry.since_ms == now_ms and entry.until_ms is not None:
            log.warning(
                "%s is shut out for %d s: %s",
                entry.address,
                (entry.until_ms - now_ms) // 1000,
                reason,
                extra={"event": "shut-out", "address": entry.address},
            )


def pack(address: str) -> bytes | None:
    """Return the bytes of an IP literal, of IPv4 also where it is mapped; None for none."""
    packed = parse_ip(address.partition("%")[0])
    return None if packed is None else from_mapped(packed)
