"""Own records are written anew when most batches are dead, and the floor forgets the rest."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edgenode.core.head import Head
from edgenode.core.records import TEMPERATURE, TEMPERATURES, Update
from edgenode.crypto import SigningKey
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.publishing import Publisher
from edgenode.daemon.records.repacking import MIN_BYTES, Repacking
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import Signer, signed_of
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from edgenode.store.state import State

KEY = SigningKey(bytes(32))
OWN = KEY.public_key.hex()
BLOCKS = [hashlib.sha3_512(b"%d" % number).hexdigest() for number in range(100)]


class Origin:
    """The records' parts of one node, without links."""

    def __init__(self, state: State) -> None:
        self.records = Records(state.database)
        self.outbox = Outbox(state.database)
        self.signer = Signer("test", KEY, 1, lambda: 1_800_000_000_000)
        self.replicas = Replicas(self.records, "test", lambda: 1_800_000_000_000)
        self.batches: list[Taken] = []
        self.floors = 0
        self.publisher = Publisher(
            self.outbox,
            self.signer,
            self.replicas,
            max_size=100,
            interval_ms=1,
            next_epoch=state.next_epoch,
            on_batch=self.batches.append,
            on_head_due=self.count_floor,
            key_is_new=True,
        )
        self.repacking = Repacking(self.records, self.publisher, OWN)

    def count_floor(self) -> None:
        self.floors += 1

    async def classes(self) -> dict[str, object]:
        rows = await self.records.live_records(OWN, (0, 0, 0), 1000)
        return {row.block_id: row.data["class"] for row in rows if row.data}


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[Origin]:
    state = await State.open(tmp_path / "state.db")
    found = Origin(state)
    await found.outbox.open()
    await found.replicas.open()
    running = asyncio.create_task(found.publisher.run())
    yield found
    running.cancel()
    await asyncio.wait([running])
    await state.close()


async def fill(origin: Origin, rounds: int) -> None:
    for class_ in itertools.islice(itertools.cycle(TEMPERATURES), rounds):
        await origin.publisher.submit(
            [Update(TEMPERATURE, block, {"class": class_}) for block in BLOCKS]
        )
        await origin.publisher.idle()


async def test_dead_batches_are_forgotten_and_nothing_else(origin: Origin) -> None:
    await fill(origin, 31)
    before = await origin.classes()
    total, _ = await origin.records.bytes_of(OWN)
    assert total > MIN_BYTES
    assert await origin.repacking.repack_if_due()
    assert origin.floors == 1
    assert await origin.classes() == before
    after, live = await origin.records.bytes_of(OWN)
    assert after == live < total / 10
    replica = origin.replicas.get(OWN)
    assert replica is not None
    assert len(replica.trie) == len(await origin.records.digests(OWN)) == 1
    assert replica.bytes == after


async def test_little_is_left_alone(origin: Origin) -> None:
    await fill(origin, 3)
    assert not await origin.repacking.repack_if_due()
    assert origin.floors == 0


async def test_a_newer_update_that_waits_is_not_undone(origin: Origin) -> None:
    await fill(origin, 31)
    submit = origin.publisher.submit_again

    async def meanwhile(updates: list[Update]) -> None:
        await origin.outbox.put([Update(TEMPERATURE, BLOCKS[0], {"class": "VIRAL"})])
        await submit(updates)

    origin.publisher.submit_again = meanwhile  # type: ignore[method-assign,assignment]
    await origin.repacking.repack_if_due()
    assert (await origin.classes())[BLOCKS[0]] == "VIRAL"


async def test_others_forget_by_the_head(origin: Origin, tmp_path: Path) -> None:
    other_state = await State.open(tmp_path / "other.db")
    other = Replicas(Records(other_state.database), "test", lambda: 1_800_000_000_000)
    await other.open()
    await fill(origin, 31)
    await origin.repacking.repack_if_due()
    for taken in origin.batches:
        assert (await other.take([signed_of(taken.row)])).taken
    carried = other.get(OWN)
    own = origin.replicas.get(OWN)
    assert carried is not None
    assert own is not None
    assert len(carried.trie) > 1
    newest, floor = await origin.replicas.bounds(OWN)
    head = Head(
        batch_epoch=newest[0],
        batch_seq=newest[1],
        floor_epoch=floor[0],
        floor_seq=floor[1],
        root=own.trie.root(),
        count=len(own.trie),
    )
    assert await other.take_head(origin.signer.head(head))
    assert carried.trie.root() == own.trie.root()
    assert not (await other.take([signed_of(origin.batches[0].row)])).taken  # dead for good
    await other_state.close()
