"""When peers are asked."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from edgenode.core.dialback import Tally
from edgenode.reach.asking import Peer
from edgenode.reach.checking import AGAIN_S, LEAST_GAP_S, Checker

WELL = Tally(2, 0, "5.6.7.8", 1)
FULLY = Tally(3, 0, "5.6.7.8", 1)
SHUT = Tally(0, 2, "5.6.7.8", 1)


class Bench:
    """A checker whose rounds are made up, and when they were."""

    def __init__(self) -> None:
        self.rounds: list[float] = []
        self.ports: list[int] = []
        self.changes = 0
        self.found = WELL
        self.peers: list[Peer] = []
        self.port = 4242
        self.gate: asyncio.Event | None = None
        self.checker = Checker(self.ask, lambda: self.peers, lambda: self.port, self.changed)
        self.began = asyncio.get_running_loop().time()
        self.running = asyncio.create_task(self.checker.run())

    def changed(self) -> None:
        self.changes += 1

    async def ask(self, _peers: Sequence[Peer], port: int) -> Tally:
        self.rounds.append(asyncio.get_running_loop().time() - self.began)
        self.ports.append(port)
        if self.gate is not None:
            await self.gate.wait()
        return self.found

    def link(self, number: int = 1) -> None:
        self.peers.append(Peer(f"node {number}", f"20.{number}.0.1"))
        self.checker.on_peer()

    async def pass_time(self, seconds: float) -> int:
        """Return how many rounds there were in that time."""
        before = len(self.rounds)
        await asyncio.sleep(seconds)
        return len(self.rounds) - before


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    await asyncio.sleep(0)
    yield made
    made.running.cancel()


async def test_nobody_is_asked_before_there_is_somebody(bench: Bench) -> None:
    bench.checker.begin_anew()
    assert await bench.pass_time(50_000) == 0
    bench.link()
    assert await bench.pass_time(LEAST_GAP_S) == 1
    assert bench.checker.tally is WELL
    assert bench.changes == 1


async def test_while_all_is_well_once_an_hour(bench: Bench) -> None:
    bench.link()
    await bench.pass_time(60)
    assert await bench.pass_time(10 * (AGAIN_S + 2 * LEAST_GAP_S)) in (10, 11)


async def test_failures_are_tried_again_with_back_off(bench: Bench) -> None:
    bench.found = SHUT
    bench.link()
    assert 2 <= await bench.pass_time(60) <= 12
    await bench.pass_time(3600)
    # At a limit of 5 min with full jitter: about 2.5 min on average.
    assert 10 <= await bench.pass_time(3600) <= 120
    gaps = [later - earlier for earlier, later in zip(bench.rounds, bench.rounds[1:], strict=False)]
    assert min(gaps) >= LEAST_GAP_S - 0.01
    assert max(gaps) <= 300 + 2 * LEAST_GAP_S
    bench.found = WELL
    await bench.pass_time(310)
    assert bench.checker.tally is WELL


async def test_a_change_is_looked_into_at_once_and_what_was_counts_no_more(bench: Bench) -> None:
    bench.link()
    await bench.pass_time(60)
    bench.port = 5000
    bench.checker.begin_anew()
    assert bench.checker.tally.reached is None
    assert await bench.pass_time(2) == 1
    assert bench.ports[-1] == 5000


async def test_after_a_change_there_is_new_hope(bench: Bench) -> None:
    bench.found = SHUT
    bench.link()
    await bench.pass_time(2 * 3600)
    bench.checker.begin_anew()
    assert await bench.pass_time(30) >= 3


async def test_an_answer_about_what_no_longer_holds_is_dropped(bench: Bench) -> None:
    bench.gate = asyncio.Event()
    bench.link()
    await bench.pass_time(10)
    bench.port = 5000
    bench.checker.begin_anew()
    gate, bench.gate = bench.gate, None
    gate.set()
    await asyncio.sleep(0.1)
    assert bench.checker.tally.reached is None
    await bench.pass_time(LEAST_GAP_S)
    assert bench.checker.tally is WELL
    assert bench.ports[-1] == 5000


async def test_a_question_that_no_longer_stands_is_not_waited_for(bench: Bench) -> None:
    bench.gate = asyncio.Event()
    bench.link()
    await bench.pass_time(10)
    assert len(bench.rounds) == 1
    bench.gate = None
    bench.checker.begin_anew()
    assert await bench.pass_time(1.5) == 1
    assert bench.checker.tally is WELL


async def test_more_peers_are_asked_until_three_have_answered(bench: Bench) -> None:
    bench.link(1)
    await bench.pass_time(60)
    bench.found = FULLY
    bench.link(2)
    assert await bench.pass_time(60) == 1
    bench.link(3)
    assert await bench.pass_time(60) == 0


async def test_links_that_come_and_go_do_not_make_it_ask_all_the_time(bench: Bench) -> None:
    bench.found = SHUT
    for number in range(1000):
        bench.link(number)
        await asyncio.sleep(0.06)
    assert len(bench.rounds) <= 60 / LEAST_GAP_S + 1


async def test_silence_does_not_undo_what_was_found(bench: Bench) -> None:
    bench.link()
    await bench.pass_time(60)
    bench.found = Tally()
    await bench.pass_time(2 * AGAIN_S)
    assert bench.checker.tally is WELL
    bench.peers.clear()
    await bench.pass_time(2 * AGAIN_S)
    bench.peers.append(Peer("node", "20.1.0.1"))
    bench.found = SHUT
    await bench.pass_time(AGAIN_S + 60)
    assert bench.checker.tally is SHUT
