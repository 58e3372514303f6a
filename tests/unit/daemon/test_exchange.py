"""Records with one peer, where real links do not reach: retries, and an end at a bad moment."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from edgenode.core.inbound import decode_frame
from edgenode.core.records import TEMPERATURE, Update
from edgenode.core.syncevents import MAX_BATCHES, Batches, NodeStatus
from edgenode.core.triesync import MAX_NAMED, AckBatches, AskNode, NodeList
from edgenode.crypto import SigningKey
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.records import exchange as module
from edgenode.daemon.records import telling
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.exchange import MAX_GOSSIP, Exchange
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import Signer, signed_of
from edgenode.link.link import Link
from edgenode.store.records import Records
from edgenode.store.state import State
from tests.integration.support.wait import eventually

OWN = "11" * 32
WALL_MS = 1_800_000_000_000
RETRIES = 3


class FakeLink:
    """Keeps what is posted."""

    def __init__(self) -> None:
        self.node_id = "22" * 32
        self.has_room = True
        self.closed = ""
        self.posted: list[object] = []

    def post(self, frame: bytes) -> None:
        self.posted.append(decode_frame(frame, OWN))

    async def send(self, frame: bytes) -> None:
        self.post(frame)

    def close(self, reason: str) -> None:
        self.closed = reason

    def batches(self) -> list[Batches]:
        return [record for record in self.posted if isinstance(record, Batches)]

    def acknowledged(self) -> list[list[bytes]]:
        return [record.digests for record in self.posted if isinstance(record, AckBatches)]


class SlowRecords(Records):
    """The store has a batch, and does not say so yet."""

    def __init__(self, state: State) -> None:
        super().__init__(state.database)
        self.added = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()
        self.groups: list[int] = []

    async def add(self, batches: Sequence[Any], *, durable: bool) -> list[Any]:
        self.groups.append(len(batches))
        found = await super().add(batches, durable=durable)
        self.added.set()
        await self.answers.wait()
        return found


class Side:
    def __init__(self, state: State) -> None:
        self.link = FakeLink()
        self.records = SlowRecords(state)
        self.replicas = Replicas(self.records, "test", lambda: WALL_MS)
        self.taken: list[Taken] = []
        self.signer = Signer("test", SigningKey(bytes(32)), 1, lambda: WALL_MS)
        self.exchange = Exchange(
            cast(Link, self.link),
            own_id=OWN,
            replicas=self.replicas,
            records=self.records,
            outbound=Outbound(OWN, lambda: WALL_MS),
            retry_attempts=RETRIES,
            retry_delay_ms=10,
            on_taken=lambda taken, _: self.taken.append(taken),
            on_heads=lambda _origins, _peer: None,
            on_known_epoch=lambda _: None,
        )

    def batch(self) -> Taken:
        updates = [Update(TEMPERATURE, "ab" * 64, {"class": "WARM"})]
        return Taken(self.signer.batch(updates), updates)


@pytest.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    state = await State.open(tmp_path / "state.db")
    made = Side(state)
    yield made
    made.exchange.stop()
    await state.close()


async def test_batch_that_nobody_acknowledges_is_given_up(side: Side) -> None:
    side.exchange.telling.push(side.batch(), acknowledged=True)
    await asyncio.sleep(0.01 * (RETRIES + 3) + 0.1)
    assert len(side.link.batches()) == 1 + RETRIES
    side.exchange.telling.push(side.batch(), acknowledged=True)  # the next one is tried as often
    await asyncio.sleep(0.01 * (RETRIES + 3) + 0.1)
    assert len(side.link.batches()) == 2 * (1 + RETRIES)


async def test_batch_that_is_acknowledged_is_not_told_again(side: Side) -> None:
    running = asyncio.create_task(side.exchange.run())
    taken = side.batch()
    side.exchange.telling.push(taken, acknowledged=True)
    side.exchange.receive(AckBatches([taken.row.digest]))
    await asyncio.sleep(0.1)
    assert len(side.link.batches()) == 1
    running.cancel()
    await asyncio.wait([running])


async def test_end_of_the_link_does_not_part_store_and_trie(side: Side) -> None:
    """What the store has taken is in the trie too, or nobody would ever miss it there."""
    running = asyncio.create_task(side.exchange.run())
    row = side.batch().row
    side.records.answers.clear()
    side.exchange.receive(Batches("block:temperature", [signed_of(row)]))
    await side.records.added.wait()
    running.cancel()
    await asyncio.wait([running])
    side.records.answers.set()

    async def known() -> bool:
        return side.replicas.knows(row.origin, row.digest)

    await eventually(known, "the batch is in the trie")
    assert [taken.row.digest for taken in side.taken] == [row.digest]


async def test_gossip_over_the_bound_is_asked_for_later(side: Side) -> None:
    """The inbox fills, for nothing works on it."""
    rows = [side.batch().row for _ in range(MAX_GOSSIP + 1)]
    for row in rows:
        side.exchange.receive(Batches("block:temperature", [signed_of(row)]))
    (ask,) = [record for record in side.link.posted if isinstance(record, AskNode)]
    assert (ask.origin, ask.prefix) == (rows[0].origin, "")


async def test_peer_without_room_is_told_the_root_later(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "UNTOLD_S", 0.01)
    (taken,) = (await side.replicas.take([signed_of(side.batch().row)])).taken
    side.link.has_room = False
    side.exchange.telling.push(taken, acknowledged=False)
    assert not side.link.posted

    async def told() -> bool:
        return bool(side.link.posted)

    await eventually(told, "the root is told")
    (status,) = side.link.posted
    assert isinstance(status, NodeStatus)
    assert [(origin.node_id, origin.count) for origin in status.origins] == [(taken.row.origin, 1)]
    assert not status.last


async def work_off(side: Side) -> None:
    """Let the exchange work on all that waits."""
    running = asyncio.create_task(side.exchange.run())

    async def idle() -> bool:
        return not side.exchange._inbox and side.records.answers.is_set()

    await eventually(idle, "the inbox is empty")
    ask = AskNode("33" * 32, "")  # of an origin that nobody knows: no answer, but in its turn
    side.exchange.receive(ask)
    await eventually(idle, "the inbox is empty again")
    running.cancel()
    await asyncio.wait([running])


async def test_batches_that_wait_are_kept_and_acknowledged_together(side: Side) -> None:
    rows = [side.batch().row for _ in range(5)]
    for row in rows:
        side.exchange.receive(Batches("block:temperature", [signed_of(row)]))
    await work_off(side)
    assert side.records.groups == [5]
    assert side.link.acknowledged() == [[row.digest for row in rows]]
    assert [taken.row for taken in side.taken] == rows


async def test_events_keep_their_order_around_a_group(side: Side) -> None:
    first, second = side.batch().row, side.batch().row
    side.exchange.receive(Batches("block:temperature", [signed_of(first)]))
    side.exchange.receive(AskNode(first.origin, ""))
    side.exchange.receive(Batches("block:temperature", [signed_of(second)]))
    await work_off(side)
    told = [record for record in side.link.posted if isinstance(record, AckBatches | NodeList)]
    assert isinstance(told[0], AckBatches)
    assert isinstance(told[1], NodeList)
    assert [item[2] for item in told[1].items] == [first.digest]
    assert isinstance(told[2], AckBatches)


@pytest.mark.parametrize(("bound", "value"), [("GROUP_BATCHES", 4), ("GROUP_CHARS", 700)])
async def test_a_group_is_bounded(
    side: Side, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(module, bound, value)
    for _ in range(6):
        side.exchange.receive(Batches("block:temperature", [signed_of(side.batch().row)]))
    await work_off(side)
    assert sum(side.records.groups) == 6
    assert side.records.groups[0] == max(side.records.groups) < 6


def test_a_group_fits_into_an_acknowledgement() -> None:
    assert module.GROUP_BATCHES - 1 + MAX_BATCHES <= MAX_NAMED


async def test_what_came_before_a_forgery_is_kept(side: Side) -> None:
    good, forged, later = (signed_of(side.batch().row) for _ in range(3))
    forged.signature = bytes(64)
    for signed in (good, forged, later):
        side.exchange.receive(Batches("block:temperature", [signed]))
    await work_off(side)
    digest = side.replicas.digest(good)
    assert side.link.acknowledged() == [[digest]]
    assert [taken.row.digest for taken in side.taken] == [digest]
    assert side.link.closed == "bad-signature"
    assert not side.replicas.knows(later.node_id, side.replicas.digest(later))
