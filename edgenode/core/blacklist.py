"""Addresses that are shut out: each with a reason and an end, never more than a fixed number.

An IPv4 address stands for itself, an IPv6 address for its /64, which one household or machine has;
but one of the own network for itself, or a neighbour would shut out all of them.
"""

from edgenode.core.errors import BlacklistFull
from edgenode.core.ip import IPV4_BYTES, format_ip, from_mapped, parse_ip

MAX_ENTRIES = 4096
# The operator's own never make room for others, so they leave three quarters to the node.
MAX_BY_OPERATOR = 1024
# So many of the node's are dropped at once when there is no room, those that end first.
DROPPED_AT_ONCE = 64

DAY_MS = 24 * 3600 * 1000
MAX_DURATION_S = 366 * 24 * 3600  # an operator who means longer means for ever
# Each time is twice as long as the one before, up to this, while the one before is remembered.
MAX_MS = DAY_MS
REMEMBERED_MS = DAY_MS
MAX_TIMES = 32  # no longer counted: even a second has become a day by then
# An address of the own network may be a router that hides others: no longer than what stops a
# loop, and not doubled.
NEAR_MS = 60 * 1000

NODE = "node"
OPERATOR = "operator"

_HALF = 8  # bytes of a /64


class Entry:
    """One address or /64; `until_ms` is monotonic, None: until it is removed."""

    __slots__ = ("by", "key", "reason", "since_ms", "times", "until_ms")

    def __init__(
        self, key: bytes, reason: str, by: str, since_ms: int, until_ms: "int | None", times: int
    ) -> None:
        """`times`: how often in a row the node has shut it out."""
        self.key = key
        self.reason = reason
        self.by = by
        self.since_ms = since_ms
        self.until_ms = until_ms
        self.times = times

    @property
    def address(self) -> str:
        """The address, or the prefix with its length."""
        if len(self.key) == _HALF:
            return format_ip(self.key + bytes(_HALF)) + "/64"
        return format_ip(self.key)

    def holds(self, now_ms: int) -> bool:
        """Tell whether it is in force."""
        return self.until_ms is None or now_ms < self.until_ms


class Blacklist:
    """Who is shut out; times are monotonic, in ms."""

    def __init__(self, duration_ms: int) -> None:
        """`duration_ms`: how long the node shuts an address out the first time."""
        self._duration_ms = duration_ms
        self._entries: dict[bytes, Entry] = {}

    def __len__(self) -> int:
        """Return how many are kept, those that have ended and are remembered too."""
        return len(self._entries)

    def find(self, address: bytes, now_ms: int) -> "Entry | None":
        """Return the entry in force for an address."""
        address = from_mapped(address)
        for key in (address, address[:_HALF]):
            entry = self._entries.get(key)
            if entry is not None and entry.holds(now_ms):
                return entry
        return None

    def entries(self, now_ms: int) -> "list[Entry]":
        """Return those in force, the latest last."""
        found = [entry for entry in self._entries.values() if entry.holds(now_ms)]
        found.sort(key=lambda entry: (entry.since_ms, entry.key))
        return found

    def punish(self, address: bytes, reason: str, now_ms: int, *, near: bool = False) -> Entry:
        """Shut an address out for something it did: each time for twice as long.

        One that is shut out already stays so as it is: what comes then comes over connections from
        before, and ten of them at once are no ten times.
        """
        key = key_of(address, near)
        before = self._entries.get(key)
        if before is not None and before.holds(now_ms):
            return before
        times = 1
        if before is not None and now_ms < (before.until_ms or 0) + REMEMBERED_MS:
            times = before.times + 1
        times = min(times, MAX_TIMES)
        doubled = min(self._duration_ms << (times - 1), max(MAX_MS, self._duration_ms))
        lasts_ms = min(NEAR_MS, self._duration_ms) if near else doubled
        entry = Entry(key, reason, NODE, now_ms, now_ms + lasts_ms, times)
        self._put(entry, now_ms)
        return entry

    def add(
        self, address: bytes, now_ms: int, lasts_ms: "int | None", *, near: bool = False
    ) -> Entry:
        """Shut an address out because the operator says so; raises `BlacklistFull`."""
        until_ms = None if lasts_ms is None else now_ms + lasts_ms
        entry = Entry(key_of(address, near), OPERATOR, OPERATOR, now_ms, until_ms, 0)
        self.put(entry, now_ms)
        return entry

    def put(self, entry: Entry, now_ms: int) -> None:
        """Take an entry of the operator's; raises `BlacklistFull`."""
        known = self._entries.get(entry.key)
        mine = [
            other
            for other in self._entries.values()
            if other.by == OPERATOR and other.holds(now_ms)
        ]
        if len(mine) >= MAX_BY_OPERATOR and known not in mine:
            raise BlacklistFull(f"{MAX_BY_OPERATOR} addresses are on the list already")
        self._put(entry, now_ms)

    def remove(self, address: bytes) -> "list[Entry]":
        """Forget an address and its /64, what it did before too; return what there was."""
        address = from_mapped(address)
        keys = (address, address[:_HALF]) if len(address) != IPV4_BYTES else (address,)
        return [self._entries.pop(key) for key in keys if key in self._entries]

    def _put(self, entry: Entry, now_ms: int) -> None:
        self._entries.pop(entry.key, None)
        if len(self._entries) >= MAX_ENTRIES:
            self._make_room(now_ms)
        self._entries[entry.key] = entry

    def _make_room(self, now_ms: int) -> None:
        """Drop those that ended first, then those of the node's that end first."""
        ends = [
            (entry.until_ms, key)
            for key, entry in self._entries.items()
            if entry.until_ms is not None and (entry.by == NODE or not entry.holds(now_ms))
        ]
        ends.sort()
        for _, key in ends[:DROPPED_AT_ONCE]:
            del self._entries[key]


def parse_entry(text: str) -> "bytes | None":
    """Return the address in what a person names: a literal, with or without `/32` or `/64`."""
    address, slash, bits = text.partition("/")
    parsed = parse_ip(address)
    if parsed is None:
        return None
    parsed = from_mapped(parsed)
    wanted = "32" if len(parsed) == IPV4_BYTES else "64"
    return parsed if not slash or bits == wanted else None


def key_of(address: bytes, near: bool) -> bytes:
    """Return what stands for an address: 4 bytes, or 8 of a /64, or 16 where it is `near`."""
    address = from_mapped(address)
    return address if near or len(address) == IPV4_BYTES else address[:_HALF]
