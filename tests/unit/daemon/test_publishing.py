"""When this node signs, under which numbers, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from edgenode.core.errors import Busy
from edgenode.core.records import TEMPERATURE, Update
from edgenode.core.signed import MAX_NUMBER
from edgenode.crypto import SigningKey
from edgenode.daemon.records import publishing
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.publishing import Publisher
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import Signer
from edgenode.store import outbox as outbox_module
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from edgenode.store.state import State

KEY = SigningKey(bytes(32))
WALL_MS = 1_800_000_000_000


def warm(number: int) -> Update:
    return Update(TEMPERATURE, f"{number:0128x}", {"class": "WARM"})


class Own:
    """A publisher that runs, and the batches it has made."""

    def __init__(
        self,
        state: State,
        epoch: int,
        *,
        key_is_new: bool,
        next_epoch: Callable[[int], Awaitable[int]] | None = None,
    ) -> None:
        self.outbox = Outbox(state.database)
        self.signer = Signer("test", KEY, epoch, lambda: WALL_MS)
        self.batches: asyncio.Queue[Taken] = asyncio.Queue()
        self.head_due = asyncio.Event()
        self.publisher = Publisher(
            self.outbox,
            self.signer,
            Replicas(Records(state.database), "test", lambda: WALL_MS),
            max_size=100,
            interval_ms=1,
            next_epoch=next_epoch or state.next_epoch,
            on_batch=self.batches.put_nowait,
            on_head_due=self.head_due.set,
            key_is_new=key_is_new,
        )

    async def batch(self) -> Taken:
        async with asyncio.timeout(5):
            return await self.batches.get()


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    opened = await State.open(tmp_path / "state.db")
    yield opened
    await opened.close()


async def running(own: Own) -> "asyncio.Task[None]":
    await own.outbox.open()
    return asyncio.create_task(own.publisher.run())


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


async def test_restored_card_goes_on_above_what_the_network_knows(state: State) -> None:
    own = Own(state, await state.next_epoch(), key_is_new=False)
    task = await running(own)
    await own.publisher.submit([warm(1)])
    await asyncio.sleep(0.05)  # fifty intervals
    assert own.batches.empty()
    assert not own.signer.signed

    own.publisher.on_known_epoch(7)
    assert (await own.batch()).row.epoch == 8
    assert await state.next_epoch() == 9
    await end(task)


async def test_what_one_has_put_who_is_gone_is_told(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Own(state, await state.next_epoch(), key_is_new=True)
    task = await running(own)
    await own.publisher.idle()
    began, put = asyncio.Event(), own.outbox.put

    async def slow(updates: Sequence[Update]) -> None:
        putting = asyncio.ensure_future(put(updates))
        began.set()
        await asyncio.shield(putting)

    monkeypatch.setattr(own.outbox, "put", slow)
    submitting = asyncio.create_task(own.publisher.submit([warm(1)]))
    await began.wait()
    submitting.cancel()
    (update,) = (await own.batch()).updates
    assert update.block_id == warm(1).block_id
    await end(task)


async def test_own_epoch_seen_elsewhere_before_anything_is_signed(state: State) -> None:
    own = Own(state, await state.next_epoch(), key_is_new=False)
    task = await running(own)
    await own.publisher.submit([warm(1)])
    own.publisher.on_known_epoch(own.signer.epoch)
    assert (await own.batch()).row.epoch == 2
    own.publisher.on_known_epoch(2)  # that is this one's
    await own.publisher.submit([warm(2)])
    row = (await own.batch()).row
    assert (row.epoch, row.seq) == (2, 2)
    await end(task)


async def test_higher_epoch_that_is_told_late(state: State) -> None:
    own = Own(state, await state.next_epoch(), key_is_new=False)
    task = await running(own)
    await own.publisher.submit([warm(1)])
    own.publisher.on_known_epoch(0)
    assert (await own.batch()).row.epoch == 1
    own.publisher.on_known_epoch(5)
    await own.publisher.submit([warm(2)])
    row = (await own.batch()).row
    assert (row.epoch, row.seq) == (6, 1)
    await end(task)


async def test_without_any_peer_it_signs_after_a_while(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "NO_PEER_S", 0.05)
    own = Own(state, 1, key_is_new=False)
    task = await running(own)
    await own.publisher.submit([warm(1)])
    assert (await own.batch()).row.epoch == 1
    await end(task)


async def test_new_key_waits_for_nobody(state: State) -> None:
    own = Own(state, 1, key_is_new=True)
    task = await running(own)
    await own.publisher.submit([warm(1)])
    assert [update.block_id for update in (await own.batch()).updates] == [warm(1).block_id]
    await end(task)


async def test_full_outbox_refuses_and_loses_nothing(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "MAX_PENDING", 250)
    own = Own(state, 1, key_is_new=False)  # not to sign yet: all waits
    task = await running(own)
    for start in (0, 100):
        await own.publisher.submit([warm(number) for number in range(start, start + 100)])
    with pytest.raises(Busy):
        await own.publisher.submit([warm(number) for number in range(200, 300)])
    await own.publisher.submit([warm(number) for number in range(50)])  # in place of what waits
    own.publisher.on_known_epoch(0)
    told: set[str] = set()
    while len(told) < 200:
        told |= {update.block_id for update in (await own.batch()).updates}
    assert told == {warm(number).block_id for number in range(200)}
    await own.publisher.submit([warm(number) for number in range(200, 300)])
    assert len((await own.batch()).updates) == 100
    await end(task)


async def test_what_an_earlier_run_left_is_told(state: State) -> None:
    earlier = Own(state, 1, key_is_new=False)
    await earlier.outbox.open()
    await earlier.publisher.submit([warm(1)])
    own = Own(state, 2, key_is_new=True)
    task = await running(own)
    assert [update.block_id for update in (await own.batch()).updates] == [warm(1).block_id]
    await end(task)


async def test_an_epoch_far_above_is_passed_in_one_step(state: State) -> None:
    commits: list[int] = []

    async def next_epoch(above: int) -> int:
        commits.append(above)
        return await state.next_epoch(above)

    own = Own(state, await state.next_epoch(), key_is_new=False, next_epoch=next_epoch)
    task = await running(own)
    await own.publisher.submit([warm(1)])
    own.publisher.on_known_epoch(10**9)
    # Whoever signs next, they go up together.
    await asyncio.gather(*(own.publisher.ready() for _ in range(5)))
    assert (await own.batch()).row.epoch == 10**9 + 1
    assert commits == [10**9]
    assert await state.next_epoch() == 10**9 + 2
    await end(task)


async def test_what_was_seen_of_us_is_not_all_that_a_peer_knows(state: State) -> None:
    """Before one has ended its round nothing is signed."""
    own = Own(state, await state.next_epoch(), key_is_new=False)
    task = await running(own)
    await own.publisher.submit([warm(1)])
    own.publisher.on_used_epoch(7)
    await asyncio.sleep(0.05)  # fifty intervals
    assert own.batches.empty()
    own.publisher.on_known_epoch(3)  # by an older head
    assert (await own.batch()).row.epoch == 8
    await end(task)


async def test_a_higher_epoch_makes_a_head_due_at_once(state: State) -> None:
    own = Own(state, await state.next_epoch(), key_is_new=True)
    own.publisher.on_used_epoch(own.signer.epoch - 1)
    assert not own.head_due.is_set()
    own.publisher.on_used_epoch(5)
    assert own.head_due.is_set()
    own.head_due.clear()
    own.publisher.on_used_epoch(5)  # told by the next peer, too
    assert not own.head_due.is_set()


async def test_above_the_last_epoch_nothing_can_be_signed(state: State) -> None:
    own = Own(state, await state.next_epoch(), key_is_new=True)
    own.publisher.on_used_epoch(MAX_NUMBER)
    await own.publisher.ready()
    assert own.signer.epoch == 1
