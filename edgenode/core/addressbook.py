"""The table of addresses that a node has been told, built so that few tellers cannot fill it.

After the address manager of Bitcoin Core: `new` holds what was told, `tried` where a node was
reached; who stands where depends on a secret key, the network of the address and that of the
teller, so that the addresses of one network, or those told by one, have few places.
"""

from edgenode.core.address import (
    JUDGED_AFTER_S,
    NEW_BUCKET_SIZE,
    TRIED_BUCKET_SIZE,
    TRIED_BUCKETS,
    WHOLE_CHANCE,
    Address,
    address_key,
    key_network,
    new_bucket,
    tried_bucket,
)
from edgenode.core.dialback import network_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

# The source of what peers on the local network tell, and of what nobody has told.
LOCAL_SOURCE = b"local"

# What was told from one network has at most 5 % of the places among the proved, however many
# addresses answer: four such networks cannot have more than a fifth.
MAX_TRIED_OF_SOURCE = TRIED_BUCKETS * TRIED_BUCKET_SIZE // 20

# Of the links that a node dials, so many of 16 may be to addresses told from one network, as long
# as there are others to dial: four of them cannot have them all.
MAX_LINKED_OF_SOURCE = 2

# Proved addresses whose place another one wants, each to be tried before it is given up. Twenty
# minutes' worth of feelers; those that come later have to come again.
MAX_TESTS = 10

# One that answered within this time keeps its place without being asked.
FRESH_S = 4 * 3600


class AddressBook:
    """Addresses of nodes. All times are whole seconds of one clock that never goes back.

    `keyed_hash` gives 8 bytes or more that nobody without the secret key can foresee;
    `randbelow(n)` a random number of 0 to n - 1. Only global addresses are kept: every call with
    another one has no effect. `changes` grows with what is worth keeping.
    """

    def __init__(
        self, keyed_hash: "Callable[[bytes], bytes]", randbelow: "Callable[[int], int]"
    ) -> None:
        self._hash = keyed_hash
        self._randbelow = randbelow
        self._entries: dict[bytes, Address] = {}
        self._new: dict[int, Address] = {}
        self._tried: dict[int, Address] = {}
        self._tried_of_source: dict[bytes, int] = {}
        self._tests: dict[bytes, bytes] = {}
        self._last_good_s = 0
        self.changes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> "Iterator[Address]":
        return iter(list(self._entries.values()))

    @property
    def tried(self) -> int:
        """How many addresses are proved."""
        return len(self._tried)

    def find(self, host: str, port: int) -> "Address | None":
        """Return the entry of an address."""
        key = address_key(host, port)
        return None if key is None else self._entries.get(key)

    def add(self, host: str, port: int, teller: str, now_s: int, node_id: bytes = b"") -> bool:
        """Take an address that somebody at the address `teller` has told; tell whether it is new.

        A node that tells its own address is believed over others who told it.
        """
        key = address_key(host, port)
        if key is None:
            return False
        source = network_of(teller) or LOCAL_SOURCE
        entry = self._entries.get(key)
        if entry is None:
            entry = Address(key, node_id, source, now_s)
            return self._place(entry, now_s)
        entry.heard_s = max(entry.heard_s, now_s)
        if not entry.tried and entry.source != source:
            self._told_by_another(entry, source, now_s)
        if not entry.success_s:
            entry.node_id = node_id or entry.node_id
        return False

    def attempt(self, host: str, port: int, now_s: int) -> None:
        """A dial begins."""
        entry = self.find(host, port)
        if entry is not None:
            entry.attempt_s = now_s

    def bad(self, host: str, port: int, now_s: int) -> None:
        """A dial has failed.

        It counts only if some other node was reached since it last did: without a network all
        addresses fail, and none of them is to be blamed.
        """
        entry = self.find(host, port)
        if entry is None or entry.counted_s >= self._last_good_s:
            return
        entry.counted_s = now_s
        entry.failures += 1
        self.changes += 1
        newcomer = self._entries.get(self._tests.pop(entry.key, b""))
        if newcomer is not None:
            self._demote(entry, now_s)
            self._promote(newcomer, now_s)

    def good(self, host: str, port: int, node_id: bytes, now_s: int) -> None:
        """A dial has reached the node `node_id`, proved by its handshake."""
        key = address_key(host, port)
        if key is None:
            return
        self._last_good_s = max(self._last_good_s, now_s)
        self.changes += 1
        entry = self._entries.get(key)
        if entry is None:
            entry = Address(key, node_id, key_network(key), now_s)
        entry.node_id = node_id
        entry.success_s = entry.attempt_s = max(now_s, 1)
        entry.failures = 0
        if entry.tried:
            self._tests.pop(key, None)
        else:
            self._promote(entry, now_s)

    def choose(
        self,
        now_s: int,
        avoid: "Collection[bytes]" = (),
        rest_s: int = 60,
        ipv6: "bool | None" = None,
    ) -> "Address | None":
        """Return an address to dial, told or proved, half and half; None if there is none.

        `avoid` are the networks (see `network_of`) that are linked: none of them is returned, and
        rather one that nobody has told who has told MAX_LINKED_OF_SOURCE of those. Nor is one
        that was dialled in the last `rest_s`, nor one of another family than `ipv6` tells.
        """
        heard_enough = self._linked_sources(avoid)

        def is_fit(entry: Address) -> bool:
            if entry.attempt_s and now_s - entry.attempt_s < rest_s:
                return False
            if entry.source in heard_enough or entry.is_terrible(now_s):
                return False
            if ipv6 is not None and (":" in entry.host) != ipv6:
                return False
            return key_network(entry.key) not in avoid

        tables = [(self._tried, TRIED_BUCKET_SIZE), (self._new, NEW_BUCKET_SIZE)]
        if self._randbelow(2):
            tables.reverse()
        while True:
            for table, size in tables:
                found = self._pick(table, size, is_fit, now_s)
                if found is not None:
                    return found
            if not heard_enough:
                return None
            heard_enough = set()

    def feeler(self, now_s: int) -> "Address | None":
        """Return an address to try out: one whose place another wants, or one that was told."""
        tested = [self._entries[key] for key in self._tests]
        waiting = [entry for entry in tested if now_s - entry.attempt_s >= JUDGED_AFTER_S]
        if waiting:
            return waiting[self._randbelow(len(waiting))]

        def is_fit(entry: Address) -> bool:
            return not entry.success_s and not entry.is_terrible(now_s)

        return self._pick(self._new, NEW_BUCKET_SIZE, is_fit, now_s)

    def expire(self, now_s: int) -> None:
        """Forget what is not worth its place."""
        for entry in list(self._entries.values()):
            if entry.is_terrible(now_s):
                self._forget(entry)

    def restore(self, entry: Address, *, tried: bool, now_s: int) -> bool:
        """Take an entry as it was kept; tell whether there was a place for it."""
        if entry.key in self._entries:
            return False
        if tried and self._has_room(entry):
            slot = self._free_tried(entry)
            if slot is not None:
                self._settle(entry, slot)
                return True
        return self._place(entry, now_s)

    def _linked_sources(self, networks: "Collection[bytes]") -> "set[bytes]":
        """Return who has told enough of those that are linked: in each network the last reached."""
        last: dict[bytes, Address] = {}
        for entry in self._entries.values():
            network = key_network(entry.key)
            if entry.success_s and network in networks:
                known = last.get(network)
                if known is None or entry.success_s > known.success_s:
                    last[network] = entry
        sources = [entry.source for entry in last.values()]
        return {source for source in sources if sources.count(source) >= MAX_LINKED_OF_SOURCE}

    def _pick(
        self,
        table: "dict[int, Address]",
        size: int,
        is_fit: "Callable[[Address], bool]",
        now_s: int,
    ) -> "Address | None":
        """Choose a bucket, and one of its entries: a full bucket weighs no more than another."""
        buckets = sorted({slot // size for slot in table})
        leniency = 1
        while buckets:
            chosen = self._randbelow(len(buckets))
            first = buckets[chosen] * size
            there = [table[slot] for slot in range(first, first + size) if slot in table]
            fit = [entry for entry in there if is_fit(entry)]
            if not fit:
                del buckets[chosen]
                continue
            entry = fit[self._randbelow(len(fit))]
            if self._randbelow(WHOLE_CHANCE) < entry.chance(now_s) * leniency:
                return entry
            leniency += 1
        return None

    def _told_by_another(self, entry: Address, source: bytes, now_s: int) -> None:
        """Let an address that is told again stand where its new teller puts it, at times.

        So who tells first does not decide for ever in whose places it stands.
        """
        own = key_network(entry.key)
        if entry.source == own or (source != own and self._randbelow(2)):
            return
        slot = self._free_new(entry.key, source)
        if slot is None:
            return
        del self._new[entry.slot]
        entry.source = source
        entry.slot = slot
        self._new[slot] = entry

    def _place(self, entry: Address, now_s: int) -> bool:
        """Give an entry a place among the told; those who stand there stay, unless terrible."""
        slot = self._free_new(entry.key, entry.source)
        if slot is None:
            first = NEW_BUCKET_SIZE * new_bucket(self._hash, entry.key, entry.source)
            for there in range(first, first + NEW_BUCKET_SIZE):
                if self._new[there].is_terrible(now_s):
                    slot = there
                    self._forget(self._new[there])
                    break
            else:
                return False
        entry.tried = False
        entry.slot = slot
        self._new[slot] = self._entries[entry.key] = entry
        self.changes += 1
        return True

    def _has_room(self, entry: Address) -> bool:
        return self._tried_of_source.get(entry.source, 0) < MAX_TRIED_OF_SOURCE

    def _promote(self, entry: Address, now_s: int) -> None:
        """Move an entry to the proved, or have the one in its place tried first."""
        if self._has_room(entry):
            slot = self._free_tried(entry)
            if slot is None:
                there = self._stalest(tried_bucket(self._hash, entry.key))
                if there.is_terrible(now_s):
                    slot = there.slot
                    self._demote(there, now_s)
                elif now_s - there.success_s > FRESH_S and len(self._tests) < MAX_TESTS:
                    self._tests[there.key] = entry.key
            if slot is not None:
                self._settle(entry, slot)
                return
        if entry.slot < 0:
            self._place(entry, now_s)

    def _free_new(self, key: bytes, source: bytes) -> "int | None":
        return _free(self._new, new_bucket(self._hash, key, source), NEW_BUCKET_SIZE)

    def _free_tried(self, entry: Address) -> "int | None":
        return _free(self._tried, tried_bucket(self._hash, entry.key), TRIED_BUCKET_SIZE)

    def _stalest(self, bucket: int) -> Address:
        """Return the one of a full bucket that was reached the longest ago."""
        first = bucket * TRIED_BUCKET_SIZE
        stalest = self._tried[first]
        for slot in range(first + 1, first + TRIED_BUCKET_SIZE):
            if self._tried[slot].success_s < stalest.success_s:
                stalest = self._tried[slot]
        return stalest

    def _settle(self, entry: Address, slot: int) -> None:
        if entry.slot >= 0:
            del self._new[entry.slot]
        entry.tried = True
        entry.slot = slot
        self._tried[slot] = self._entries[entry.key] = entry
        self._tried_of_source[entry.source] = self._tried_of_source.get(entry.source, 0) + 1

    def _demote(self, entry: Address, now_s: int) -> None:
        self._forget(entry)
        entry.slot = -1
        self._place(entry, now_s)

    def _forget(self, entry: Address) -> None:
        self.changes += 1
        del self._entries[entry.key]
        self._tests.pop(entry.key, None)
        if not entry.tried:
            del self._new[entry.slot]
            return
        del self._tried[entry.slot]
        left = self._tried_of_source[entry.source] - 1
        if left:
            self._tried_of_source[entry.source] = left
        else:
            del self._tried_of_source[entry.source]


def _free(table: "dict[int, Address]", bucket: int, size: int) -> "int | None":
    """Return a free place of a bucket; None where it is full."""
    for slot in range(bucket * size, (bucket + 1) * size):
        if slot not in table:
            return slot
    return None
