"""The address table under any history, and under an attacker who tells it 10,000 addresses."""

import random
from collections import Counter
from hashlib import blake2b

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edgenode.core.address import (
    NEW_BUCKET_SIZE,
    NEW_BUCKETS,
    TRIED_BUCKET_SIZE,
    TRIED_BUCKETS,
    Address,
    key_network,
    new_bucket,
    tried_bucket,
)
from edgenode.core.addressbook import MAX_TESTS, MAX_TRIED_OF_SOURCE, AddressBook
from edgenode.core.ip import is_global

PORT = 4242
NODE = bytes(32)
DAY_S = 86400
FEELER_S = 120
OUTBOUND = 16


def keyed(data: bytes) -> bytes:
    return blake2b(data, key=b"a secret", digest_size=16).digest()


def check(book: AddressBook) -> None:
    """Check that each entry stands in one place, the one that it must stand in."""
    places = Counter((entry.tried, entry.slot) for entry in book)
    assert all(count == 1 for count in places.values())
    sources: Counter[bytes] = Counter()
    for entry in book:
        assert is_global(entry.host)
        assert book.find(entry.host, entry.port) is entry
        if entry.tried:
            assert entry.slot // TRIED_BUCKET_SIZE == tried_bucket(keyed, entry.key)
            assert entry.success_s
            sources[entry.source] += 1
        else:
            bucket = new_bucket(keyed, entry.key, entry.source)
            assert entry.slot // NEW_BUCKET_SIZE == bucket
    assert book.tried == sum(sources.values()) <= TRIED_BUCKETS * TRIED_BUCKET_SIZE
    assert len(book) - book.tried <= NEW_BUCKETS * NEW_BUCKET_SIZE
    assert max(sources.values(), default=0) <= MAX_TRIED_OF_SOURCE


# Few networks and fewer addresses of each, so that places are wanted by several.
HOSTS = st.builds(
    lambda a, b: f"8.{a}.{b % 64}.1", st.integers(0, 3), st.integers(0, 4095)
) | st.sampled_from(["10.0.0.1", "127.0.0.1", "2600::1", "fe80::1"])
TELLERS = st.sampled_from(["8.0.0.1", "8.1.0.1", "9.9.9.9", "192.168.1.1", ""])


class AnyHistory(RuleBasedStateMachine):
    """Calls in any order, at times that go on."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1
        self.book = AddressBook(keyed, random.Random(1).randrange)

    @rule(seconds=st.sampled_from([1, 61, 700, 5 * 3600, 8 * DAY_S, 31 * DAY_S]))
    def wait(self, seconds: int) -> None:
        self.now_s += seconds

    @rule(hosts=st.lists(HOSTS, max_size=40), teller=TELLERS)
    def add(self, hosts: list[str], teller: str) -> None:
        for host in hosts:
            self.book.add(host, PORT, teller, self.now_s)

    @rule(hosts=st.lists(HOSTS, max_size=40))
    def good(self, hosts: list[str]) -> None:
        for host in hosts:
            self.book.good(host, PORT, NODE, self.now_s)

    @rule(hosts=st.lists(HOSTS, max_size=40))
    def bad(self, hosts: list[str]) -> None:
        for host in hosts:
            self.book.attempt(host, PORT, self.now_s)
            self.book.bad(host, PORT, self.now_s)

    @rule(lives=st.booleans())
    def feel(self, *, lives: bool) -> None:
        entry = self.book.feeler(self.now_s)
        if entry is None:
            return
        assert not entry.is_terrible(self.now_s) or entry.tried
        self.book.attempt(entry.host, entry.port, self.now_s)
        if lives:
            self.book.good(entry.host, entry.port, NODE, self.now_s)
        else:
            self.book.bad(entry.host, entry.port, self.now_s)

    @rule()
    def choose(self) -> None:
        avoid = {b"\x08\x00", b"\x08\x01"}
        entry = self.book.choose(self.now_s, avoid)
        if entry is not None:
            assert not entry.is_terrible(self.now_s)
            assert key_network(entry.key) not in avoid

    @rule()
    def expire(self) -> None:
        self.book.expire(self.now_s)
        assert not any(entry.is_terrible(self.now_s) for entry in self.book)

    @invariant()
    def stands(self) -> None:
        check(self.book)
        assert len(self.book._tests) <= MAX_TESTS
        assert all(self.book._entries[key].tried for key in self.book._tests)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


class Network:
    """Honest nodes, and an attacker with 10,000 addresses whom all of them answer."""

    def __init__(self, seed: int, *, attacking_networks: int) -> None:
        self.random = random.Random(seed)
        self.honest = [f"{20 + number % 40}.{number % 37}.1.{number}" for number in range(60)]
        self.attacking = [
            f"{100 + number % attacking_networks % 90}.{number % attacking_networks // 90}"
            f".{number // 250}.{number % 250}"
            for number in range(10_000)
        ]
        self.tellers = [f"{100 + number}.0.9.9" for number in range(4)]
        self.book = AddressBook(keyed, self.random.randrange)
        self.now_s = 1_000_000

    def reach(self, entry: Address) -> None:
        self.book.attempt(entry.host, entry.port, self.now_s)
        self.book.good(entry.host, entry.port, NODE, self.now_s)

    def live(self, days: int) -> None:
        """Let the honest network form; then all is told again and again, and tried out."""
        for host in self.honest:
            self.book.add(host, PORT, self.random.choice(self.honest), self.now_s)
            if self.random.random() < 0.5:
                self.book.good(host, PORT, NODE, self.now_s)
        for step in range(days * DAY_S // FEELER_S):
            self.now_s += FEELER_S
            # 0.1 a second and teller is what is taken at most.
            for teller in self.tellers:
                for _ in range(FEELER_S // 10):
                    self.book.add(self.random.choice(self.attacking), PORT, teller, self.now_s)
            if step % 30 == 0:
                told = self.random.sample(self.honest, 2)
                self.book.add(told[0], PORT, told[1], self.now_s)
                self.book.expire(self.now_s)
            entry = self.book.feeler(self.now_s)
            if entry is not None:
                self.reach(entry)

    def restart(self) -> set[str]:
        """Return whom a node dials that starts with what was kept, without its anchors."""
        book = AddressBook(keyed, self.random.randrange)
        for entry in self.book:
            kept = Address(entry.key, entry.node_id, entry.source, entry.heard_s)
            kept.success_s, kept.failures = entry.success_s, entry.failures
            assert book.restore(kept, tried=entry.tried, now_s=self.now_s)
        linked: set[str] = set()
        networks: set[bytes] = set()
        # A fifth of the honest nodes are switched off just now; the attacker never is.
        off = set(self.random.sample(self.honest, len(self.honest) // 5))
        now_s = self.now_s
        for _ in range(10 * OUTBOUND):
            now_s += 1
            chosen = book.choose(now_s, networks)
            if chosen is None or len(linked) == OUTBOUND:
                break
            book.attempt(chosen.host, chosen.port, now_s)
            if chosen.host in off:
                book.bad(chosen.host, chosen.port, now_s)
                continue
            book.good(chosen.host, chosen.port, NODE, now_s)
            linked.add(chosen.host)
            networks.add(key_network(chosen.key))
        return linked


def simulate(*, attacking_networks: int, days: int, restarts: int) -> None:
    network = Network(1, attacking_networks=attacking_networks)
    network.live(days)
    check(network.book)
    proved = [entry.host for entry in network.book if entry.tried]
    attacking = set(network.attacking)
    theirs = [host for host in proved if host in attacking]
    assert len(theirs) <= TRIED_BUCKETS * TRIED_BUCKET_SIZE // 5
    # Whoever was proved before is still there.
    assert len(proved) - len(theirs) >= len(network.honest) // 2
    for _ in range(restarts):
        linked = network.restart()
        assert len(linked) == OUTBOUND
        assert linked - attacking


@pytest.mark.parametrize("attacking_networks", [4, 3000])
def test_10_000_addresses_told_by_four_networks(attacking_networks: int) -> None:
    simulate(attacking_networks=attacking_networks, days=1, restarts=50)


@pytest.mark.ci
@pytest.mark.parametrize("attacking_networks", [4, 3000])
def test_the_same_for_a_week_and_1_000_restarts(attacking_networks: int) -> None:
    simulate(attacking_networks=attacking_networks, days=7, restarts=1000)
