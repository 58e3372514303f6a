"""The gate and the blacklist of a node, with clocks that are moved by hand."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgenode.core.errors import NeverShutOut, StoreFailed
from edgenode.core.ip import parse_ip
from edgenode.daemon.config.sections import RateLimitConfig
from edgenode.daemon.guard.gate import Gate, pack
from edgenode.daemon.guard.guarding import MAX_PACES, Guarding
from edgenode.daemon.guard.shutting import Shutting
from edgenode.link.keep import StaticPeer
from edgenode.store.blacklist import BlacklistTable
from edgenode.store.database import Database

FAR = "203.0.113.7"
FRIEND = "198.51.100.1"
HOUR_MS = 3_600_000
BEGIN_MS = 1_800_000_000_000


def ip(text: str) -> bytes:
    packed = parse_ip(text)
    assert packed is not None
    return packed


class Link:
    """A link as far as the blacklist looks at it."""

    def __init__(self, node_id: str, remote_address: str, ended_by_us: str = "") -> None:
        self.node_id = node_id
        self.remote_address = remote_address
        self.ended_by_us = ended_by_us
        self.closed = ""

    def close(self, reason: str) -> None:
        self.closed = reason


class Made:
    """A gate and what the operator has of it; the clocks are moved by hand."""

    def __init__(self, database: Database) -> None:
        self.now_ms = 0
        self.wall_ms = BEGIN_MS
        self.links: Any = []
        self.table = BlacklistTable(database)
        self.begin()

    def begin(self) -> None:
        """Begin as after a start."""
        self.gate = Gate(
            RateLimitConfig(max_requests=2, blacklist_threshold=2),
            is_near=lambda address: address[0] in (10, 127),
            is_static=lambda address: address == ip(FRIEND),
            now_ms=lambda: self.now_ms,
        )
        self.shutting = Shutting(
            self.gate,
            self.table,
            self.links,
            now_ms=lambda: self.now_ms,
            wall_ms=lambda: self.wall_ms,
        )

    def later(self, ms: int) -> None:
        self.now_ms += ms
        self.wall_ms += ms


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "state.db")
    yield opened
    await opened.close()


@pytest.fixture
def made(database: Database) -> Made:
    return Made(database)


def test_addresses_are_taken_as_a_socket_gives_them() -> None:
    assert pack("fe80::1%eth0") == ip("fe80::1")
    assert pack("::ffff:203.0.113.7") == ip(FAR)
    assert pack("") is None


def test_a_violation_shuts_out_and_loopback_and_static_peers_never(made: Made) -> None:
    for address in (FAR, FRIEND, "127.0.0.1", "::1", "127.0.0.9", ""):
        made.gate.violated(address, "malformed")
    assert not made.gate.admits(FAR)
    assert all(made.gate.admits(address) for address in (FRIEND, "127.0.0.1", "::1", ""))
    assert made.gate.turned_away == 1
    made.later(HOUR_MS)
    assert made.gate.admits(FAR)


@pytest.mark.parametrize(
    "reason", ["wrong-network", "not-a-member", "duplicate", "clone", "busy", "bye", "too-slow"]
)
def test_other_refusals_are_no_violations(made: Made, reason: str) -> None:
    made.gate.refused_link(FAR, reason)
    assert made.gate.admits(FAR)
    made.gate.refused_link(FAR, "bad-proof")
    assert not made.gate.admits(FAR)


def test_seconds_to_wait_and_the_threshold(made: Made) -> None:
    assert made.gate.charge(FAR, 1) == made.gate.charge(FAR, 1) == 0
    assert made.gate.charge(FAR, 1) == 60
    made.later(60_000)
    assert made.gate.charge(FAR, 2) == 0
    assert made.gate.admits(FAR)
    assert made.gate.charge(FAR, 1) == 60
    assert not made.gate.admits(FAR)
    assert made.gate.refused["address"] == 2
    assert made.gate.charge(FAR, 1, peer="ab" * 32) == 0


async def test_the_list_says_who_since_and_until_when(made: Made) -> None:
    made.gate.violated(FAR, "bad-seal")
    made.later(1000)
    await made.shutting.add(ip("2001:db8::7"), None)
    assert made.shutting.entries() == [
        {
            "address": FAR,
            "reason": "bad-seal",
            "since": "2027-01-15T08:00:00.000Z",
            "until": "2027-01-15T09:00:00.000Z",
            "by": "node",
        },
        {
            "address": "2001:db8::/64",
            "reason": "operator",
            "since": "2027-01-15T08:00:01.000Z",
            "until": None,
            "by": "operator",
        },
    ]


async def test_the_operators_entries_outlive_the_process_and_the_nodes_do_not(made: Made) -> None:
    made.gate.violated("192.0.2.1", "malformed")
    await made.shutting.add(ip(FAR), 60)
    await made.shutting.add(ip("2001:db8::7"), None)
    made.later(30_000)
    made.now_ms = 5  # of another start of the machine
    made.begin()
    await made.shutting.open()
    assert not made.gate.admits(FAR)
    assert not made.gate.admits("2001:db8::8")
    assert made.gate.admits("192.0.2.1")
    made.later(30_000)
    assert made.gate.admits(FAR)
    made.begin()
    await made.shutting.open()
    assert [entry.key for entry in await made.table.load()] == [ip("2001:db8::7")[:8]]


async def test_a_clock_that_went_back_makes_nothing_longer(made: Made) -> None:
    await made.shutting.add(ip(FAR), 60)
    made.wall_ms -= 10 * HOUR_MS
    made.begin()
    await made.shutting.open()
    assert not made.gate.admits(FAR)
    made.later(60_000)
    assert made.gate.admits(FAR)


async def test_shutting_out_ends_the_links_and_nobody_elses(made: Made) -> None:
    bad, other = Link("a", FAR), Link("b", "203.0.113.8")
    made.links += [bad, other]
    await made.shutting.add(ip(FAR), None)
    assert (bad.closed, other.closed) == ("bye", "")


@pytest.mark.parametrize("address", [FRIEND, "127.0.0.1", "::1"])
async def test_who_is_never_shut_out_is_refused(made: Made, address: str) -> None:
    with pytest.raises(NeverShutOut):
        await made.shutting.add(ip(address), None)
    assert made.shutting.entries() == []


async def test_what_is_not_durable_is_not_in_force(made: Made, database: Database) -> None:
    await database.close()
    with pytest.raises(StoreFailed):
        await made.shutting.add(ip(FAR), None)
    assert made.gate.admits(FAR)


async def test_removing_lets_in_and_is_kept(made: Made) -> None:
    await made.shutting.add(ip(FAR), None)
    assert await made.shutting.remove(ip(FAR))
    assert not await made.shutting.remove(ip(FAR))
    made.begin()
    await made.shutting.open()
    assert made.gate.admits(FAR)


class Links(dict[str, Link]):
    """The live links by nodeId."""


def guarding(database: Database, links: Any) -> Guarding:
    static = [StaticPeer(FRIEND, 4242), StaticPeer("friend.example", 4242)]
    static[1].node_id = "cd" * 32
    network: Any = SimpleNamespace(network_of=lambda _: None)
    return Guarding(
        limits=RateLimitConfig(),
        static=static,
        links=links,
        on_link=network,
        database=database,
        wall_ms=lambda: BEGIN_MS,
    )


def judged(guard: Guarding, node_id: str, address: str, reason: str) -> bool:
    """Tell whether the end of a link shuts its address out."""
    ended: Any = Link(node_id, address, reason)
    guard.judge(ended, address)
    return not guard.gate.admits(address)


async def test_who_is_static_by_address_or_by_link(database: Database) -> None:
    linked = Links({"cd" * 32: Link("cd" * 32, "198.51.100.9")})
    guard = guarding(database, linked)
    assert not judged(guard, "ab" * 32, FRIEND, "malformed")
    assert not judged(guard, "ab" * 32, "198.51.100.9", "malformed")  # a static peer has it, too
    assert not judged(guard, "cd" * 32, "203.0.113.99", "malformed")
    assert not judged(guard, "ab" * 32, FAR, "busy")
    assert not judged(guard, "ab" * 32, FAR, "over-rate")
    assert judged(guard, "ab" * 32, FAR, "bad-seal")
    assert judged(guard, "ab" * 32, "192.0.2.1", "malformed")  # not static


async def test_paces_are_bounded_and_kept_for_who_comes_back(database: Database) -> None:
    guard = guarding(database, Links())
    for _ in range(20_000):
        paused = guard.pace("ab" * 32)(1)
    assert paused > 0
    for number in range(MAX_PACES - 1):
        guard.pace(f"{number:064x}")
    assert guard.pace("ab" * 32)(1) > 0
    for number in range(2 * MAX_PACES):
        guard.pace(f"{number:064x}")
    assert len(guard._paces) <= MAX_PACES
