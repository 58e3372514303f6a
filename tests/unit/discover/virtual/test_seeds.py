"""When seeds are asked, and what of their answers is told."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from edgenode.core.dns import AAAA, NXDOMAIN, SRV, A, Answer, Service
from edgenode.core.ip import parse_ip
from edgenode.discover.resolver import ResolveFailed
from edgenode.discover.seeds import (
    DEFAULT_PORT,
    FIRST_RETRY_S,
    JITTER,
    MAX_GAP_S,
    MAX_SIGHTINGS,
    MAX_TARGETS,
    MIN_GAP_S,
    TARGETS_AT_ONCE,
    Seeds,
)
from edgenode.discover.sighting import DNS, Sighting

SEED = "seed.example"
BELOW = f"_edgenode._tcp.{SEED}"
HOUR_S = 3600.0

Entry = list[str] | list[Service] | Exception
Zone = dict[tuple[str, int], Entry]


class FakeResolver:
    """Answers from a zone; what is not in it is empty, and what is an error is raised."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.asked: list[tuple[float, str, int]] = []
        self.slow: dict[tuple[str, int], float] = {}
        self.under_way = self.most_under_way = 0

    async def ask(self, name: str, rtype: int) -> Answer:
        self.asked.append((asyncio.get_running_loop().time(), name, rtype))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.slow.get((name, rtype), 0.01))
        self.under_way -= 1
        entry = self.zone.get((name, rtype), [])
        if isinstance(entry, Exception):
            raise entry
        answer = Answer()
        for item in entry:
            if isinstance(item, Service):
                answer.services.append(item)
            else:
                packed = parse_ip(item)
                assert packed is not None
                answer.addresses.append(packed)
        if entry == ["0.0.0.0"]:
            answer.result, answer.addresses = NXDOMAIN, []
        return answer

    def times(self, name: str = SEED) -> list[float]:
        return [at for at, asked, rtype in self.asked if asked == name and rtype == A]


ABSENT: Entry = ["0.0.0.0"]
"""Stands for NXDOMAIN."""


class World:
    """A resolver, the seeds that ask it, and what they told."""

    def __init__(
        self, zone: Zone, *names: str, lonely: bool = False, draw: Callable[[], float] | None = None
    ) -> None:
        self.resolver = FakeResolver(zone)
        self.told: list[Sighting] = []
        self.times: list[float] = []
        self.lonely = lonely
        self.seeds = Seeds(
            names or (SEED,),
            resolver=self.resolver,
            on_sighting=self._on_sighting,
            is_lonely=lambda: self.lonely,
            query_interval_s=HOUR_S,
            random=draw or random.Random(5).random,
        )

    def _on_sighting(self, sighting: Sighting) -> None:
        self.told.append(sighting)
        self.times.append(asyncio.get_running_loop().time())

    @property
    def places(self) -> list[str]:
        return [f"{entry.host} {entry.port}" for entry in self.told]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.seeds.run())
        yield
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def first_round(self) -> None:
        async with self.running():
            await asyncio.sleep(MIN_GAP_S / 2)


async def test_addresses_and_services_are_told() -> None:
    world = World(
        {
            (SEED, A): ["20.0.0.1"],
            (SEED, AAAA): ["2a00::1", "::ffff:20.1.0.1"],
            (BELOW, SRV): [Service(1, 0, 5000, "two.example"), Service(0, 0, 80, "one.example")],
            ("one.example", A): ["20.2.0.1"],
            ("two.example", AAAA): ["2a01::1"],
        }
    )
    await world.first_round()
    assert sorted(world.places) == [
        "20.0.0.1 4242",
        "20.1.0.1 4242",
        "20.2.0.1 80",
        "2a00::1 4242",
        "2a01::1 5000",
    ]
    assert world.told[0] == Sighting(DNS, "20.0.0.1", DEFAULT_PORT, "", SEED)
    services = [place for place in world.places if not place.endswith("4242")]
    assert services == ["20.2.0.1 80", "2a01::1 5000"]  # by priority


async def test_what_is_named_twice_is_told_once() -> None:
    world = World({(SEED, A): ["20.0.0.1"], (BELOW, SRV): [Service(0, 0, DEFAULT_PORT, SEED)]})
    await world.first_round()
    assert world.places == ["20.0.0.1 4242"]


async def test_what_answers_is_told_before_what_does_not() -> None:
    """A router that swallows questions for AAAA and SRV holds nothing up."""
    silent = ResolveFailed("no answer")
    world = World({(SEED, A): ["20.0.0.1"], (SEED, AAAA): silent, (BELOW, SRV): silent})
    world.resolver.slow = {(SEED, AAAA): 5.0, (BELOW, SRV): 5.0}
    await world.first_round()
    assert world.places == ["20.0.0.1 4242"]


@pytest.mark.parametrize(
    "entry",
    [
        *("127.0.0.1", "169.254.1.1", "224.0.0.1", "0.1.2.3", "255.255.255.255", "192.0.2.1"),
        *("::1", "fe80::1", "ff02::1", "::", "2001:db8::1", "::ffff:127.0.0.1"),
    ],
)
@pytest.mark.parametrize("seed", [SEED, "seed.internal"])
async def test_what_nobody_can_be_at_is_not_told(entry: str, seed: str) -> None:
    rtype = AAAA if ":" in entry else A
    target = f"node.{seed}"
    world = World(
        {
            (seed, rtype): [entry],
            (f"_edgenode._tcp.{seed}", SRV): [Service(0, 0, 1, target)],
            (target, rtype): [entry],
        },
        seed,
    )
    await world.first_round()
    assert world.told == []


@pytest.mark.parametrize("entry", ["10.1.2.3", "192.168.1.1", "100.64.0.1", "fd00::1"])
async def test_private_addresses_need_a_name_that_is_not_public(entry: str) -> None:
    rtype = AAAA if ":" in entry else A

    def zone(seed: str, target: str) -> Zone:
        return {
            (seed, rtype): [entry],
            (f"_edgenode._tcp.{seed}", SRV): [Service(0, 0, 1, target)],
            (target, rtype): [entry],
        }

    for seed, target, told in (
        ("nodes.home.arpa", "a.lan", [f"{entry} 4242", f"{entry} 1"]),
        ("nodes.internal", "a.example", [f"{entry} 4242"]),
        ("seed.example", "printer.lan", []),
        ("notinternal", "a.example", []),
    ):
        world = World(zone(seed, target), seed)
        await world.first_round()
        assert world.places == told, seed


async def test_services_that_are_none() -> None:
    world = World(
        {
            (BELOW, SRV): [
                Service(0, 0, 1, ""),
                Service(0, 0, 0, "node.example"),
                Service(0, 0, 1, "node.local"),
            ],
            ("node.example", A): ["20.0.0.1"],
            ("node.local", A): ["20.0.0.2"],
        }
    )
    await world.first_round()
    assert world.told == []
    assert {name for _, name, _ in world.resolver.asked} == {SEED, BELOW}


async def test_a_thousand_addresses_leave_room_for_others() -> None:
    crowd = [f"20.0.{number >> 8}.{number & 255}" for number in range(1000)]
    others = [f"{number}.1.0.1" for number in range(30, 35)]
    world = World({(SEED, A): crowd + others})
    await world.first_round()
    assert len(world.told) == MAX_SIGHTINGS
    hosts = {entry.host for entry in world.told}
    assert hosts >= set(others)
    again = World({(SEED, A): crowd + others}, draw=random.Random(6).random)
    await again.first_round()
    assert {entry.host for entry in again.told} - hosts  # others of the crowd


async def test_a_thousand_services_are_bounded() -> None:
    zone: Zone = {
        (f"n{number}.example", A): [f"20.{number >> 8}.{number & 255}.1"] for number in range(1000)
    }
    zone[BELOW, SRV] = [Service(number // 4, 0, 1, f"n{number}.example") for number in range(1000)]
    world = World(zone)
    await world.first_round()
    assert len(world.told) == MAX_SIGHTINGS
    assert len(world.resolver.asked) == 3 + 2 * MAX_TARGETS
    assert world.resolver.most_under_way == 2 * TARGETS_AT_ONCE
    # Those of the lowest priorities, the same four before the next four.
    numbers = [int(name[1:].split(".")[0]) for _, name, rtype in world.resolver.asked[3:]]
    assert set(numbers) == set(range(MAX_TARGETS))


async def test_one_target_that_fails_harms_no_other() -> None:
    zone: Zone = {
        (BELOW, SRV): [Service(0, 0, 1, "bad.example"), Service(0, 0, 2, "good.example")],
        ("bad.example", A): ResolveFailed("no answer"),
        ("bad.example", AAAA): ResolveFailed("no answer"),
        ("good.example", A): ResolveFailed("no answer"),
        ("good.example", AAAA): ["2a00::1"],
    }
    world = World(zone)
    await world.first_round()
    assert world.places == ["2a00::1 2"]


async def test_a_seed_that_fails_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    failed = ResolveFailed("192.0.2.1: no answer")
    zone: Zone = {
        ("dead.example", A): failed,
        ("dead.example", AAAA): failed,
        ("_edgenode._tcp.dead.example", SRV): failed,
        ("none.example", A): ABSENT,
        ("bare.example", A): ["127.0.0.1"],
        (SEED, A): ["20.0.0.1"],
    }
    world = World(zone, "dead.example", "none.example", "bare.example", "x.local", SEED)
    world.resolver.slow = {("dead.example", A): 5.0}
    async with world.running():
        await asyncio.sleep(6)
        assert world.places == ["20.0.0.1 4242"]
        assert world.times[0] < 1
    assert sorted(record.getMessage() for record in caplog.records) == [
        "the DNS seed bare.example gives no nodes: it names no node that could be dialled",
        "the DNS seed dead.example gives no nodes: 192.0.2.1: no answer",
        "the DNS seed none.example gives no nodes: there is no such name",
        "the DNS seed seed.example gives nodes (1)",
        "the DNS seed x.local gives no nodes: names in .local are found by mDNS, not by DNS",
    ]
    assert not [name for _, name, _ in world.resolver.asked if name.endswith("local")]


async def test_asked_every_interval_with_jitter() -> None:
    world = World({(SEED, A): ["20.0.0.1"]})
    async with world.running():
        await asyncio.sleep(20 * HOUR_S)
    times = world.resolver.times()
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert 17 < len(gaps) < 23
    assert min(gaps) >= HOUR_S * (1 - JITTER)
    assert max(gaps) <= HOUR_S * (1 + JITTER) + 1
    assert max(gaps) - min(gaps) > HOUR_S * JITTER / 2


async def test_a_lonely_node_asks_again_ever_more_seldom() -> None:
    world = World({(SEED, A): ResolveFailed("no answer")}, lonely=True)
    async with world.running():
        await asyncio.sleep(2 * FIRST_RETRY_S + 1)
        assert len(world.resolver.times()) == 2
        await asyncio.sleep(24 * HOUR_S)
        times = world.resolver.times()
        assert min(b - a for a, b in pairwise(times)) >= FIRST_RETRY_S
        assert 24 < len(times) < 100
        late = Counter(int(at // HOUR_S) for at in times)
        assert max(late[hour] for hour in range(12, 24)) < 10
        assert max(b - a for a, b in pairwise(times)) <= HOUR_S + FIRST_RETRY_S + 1


async def test_who_is_lonely_no_more_waits_for_the_interval() -> None:
    world = World({(SEED, A): ["20.0.0.1"]}, lonely=True)
    async with world.running():
        await asyncio.sleep(1.0)
        world.lonely = False
        await asyncio.sleep(HOUR_S / 2)
        assert len(world.resolver.times()) == 1


async def test_asked_when_the_network_comes(caplog: pytest.LogCaptureFixture) -> None:
    """One line for each change, however often it fails."""
    caplog.set_level(logging.INFO)
    unreachable = ResolveFailed("127.0.0.1: Network is unreachable")
    zone: Zone = {(SEED, rtype): unreachable for rtype in (A, AAAA)}
    zone[BELOW, SRV] = unreachable
    world = World(zone, lonely=True)
    async with world.running():
        await asyncio.sleep(10 * HOUR_S)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert caplog.records[0].event == "seed-failed"  # type: ignore[attr-defined]
        world.resolver.zone = {(SEED, A): ["20.0.0.1"]}
        began_s = asyncio.get_running_loop().time()
        world.seeds.wake()
        await asyncio.sleep(3)
        assert world.places == ["20.0.0.1 4242"]
        assert world.times[0] - began_s <= MIN_GAP_S + 1
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_network_that_comes_before_its_resolver() -> None:
    """After hours without one it is asked as often as at the start."""
    world = World({(SEED, A): ResolveFailed("no answer")}, lonely=True)
    async with world.running():
        await asyncio.sleep(10 * HOUR_S)
        world.seeds.wake()
        await asyncio.sleep(MIN_GAP_S)
        world.resolver.zone = {(SEED, A): ["20.0.0.1"]}
        await asyncio.sleep(2 * FIRST_RETRY_S)
        assert world.places


async def test_a_flapping_network_makes_no_flood() -> None:
    world = World({(SEED, A): ["20.0.0.1"]})
    async with world.running():
        for _ in range(int(HOUR_S)):
            await asyncio.sleep(1)
            world.seeds.wake()
        times = world.resolver.times()
        gaps = [later - sooner for sooner, later in pairwise(times)]
        assert gaps[0] < 2 * MIN_GAP_S
        assert len(times) < HOUR_S / MAX_GAP_S + 10
        # After a quiet while the first change is answered at once again.
        await asyncio.sleep(2 * HOUR_S)
        count = len(world.resolver.times())
        world.seeds.wake()
        await asyncio.sleep(MIN_GAP_S)
        assert len(world.resolver.times()) == count + 1
        world.seeds.wake()
        await asyncio.sleep(2 * MIN_GAP_S)
        assert len(world.resolver.times()) == count + 2


async def test_names_that_are_one(caplog: pytest.LogCaptureFixture) -> None:
    world = World({(SEED, A): ["20.0.0.1"]}, SEED, "SEED.Example.")
    await world.first_round()
    assert len(world.resolver.asked) == 3
    assert len(world.told) == 1


async def test_without_seeds_there_is_nothing_to_do() -> None:
    seeds = Seeds(
        (),
        resolver=FakeResolver({}),
        on_sighting=lambda _: None,
        is_lonely=lambda: True,
        query_interval_s=1.0,
        random=random.random,
    )
    seeds.wake()
    await asyncio.wait_for(seeds.run(), 1)
