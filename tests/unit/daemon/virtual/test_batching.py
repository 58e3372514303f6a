"""When own updates become batches: `[batch]` interval and max_size, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edgenode.core.batch import decode_batch
from edgenode.core.records import TEMPERATURE, Update
from edgenode.crypto import SigningKey
from edgenode.daemon.config.sections import BatchConfig
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.publishing import Publisher
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import Signer
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from edgenode.store.state import State
from tests.unit.daemon.virtual.network import Network

WALL_MS = 1_800_000_000_000
# What the database's thread takes of virtual time: none, or as good as none.
AT_ONCE_S = 0.01

Said = tuple[str, object]
"""Block and class."""


def update(number: int, class_: str = "WARM") -> Update:
    return Update(TEMPERATURE, f"{number:0128x}", {"class": class_})


def said(number: int, class_: str = "WARM") -> Said:
    return update(number, class_).block_id, class_


class Own:
    """A publisher that runs; of each batch, when it was told after `begin`, and what it says."""

    def __init__(self, state: State, *, max_size: int, interval_ms: int) -> None:
        self.told: list[tuple[float, list[Said]]] = []
        self._outbox = Outbox(state.database)
        key = SigningKey(bytes(32))
        self._publisher = Publisher(
            self._outbox,
            Signer("test", key, 1, lambda: WALL_MS),
            Replicas(Records(state.database), "test", lambda: WALL_MS),
            max_size=max_size,
            interval_ms=interval_ms,
            next_epoch=state.next_epoch,
            on_batch=self._note,
            on_head_due=lambda: None,
            key_is_new=True,
        )

    async def begin(self) -> None:
        await self._outbox.open()
        self._task = asyncio.create_task(self._publisher.run())
        await asyncio.sleep(AT_ONCE_S)
        self._began = asyncio.get_running_loop().time()

    async def say(self, *updates: Update) -> None:
        await self._publisher.submit(updates)

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    @property
    def sizes(self) -> list[int]:
        return [len(updates) for _, updates in self.told]

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    def _note(self, taken: Taken) -> None:
        signed = decode_batch(taken.row.payload).updates
        self.told.append((self.now_s, [(it.block_id, (it.data or {})["class"]) for it in signed]))


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    opened = await State.open(tmp_path / "state.db")
    yield opened
    await opened.close()


@pytest.mark.parametrize("interval_ms", [20, 1000, 90_000])
async def test_batch_is_as_old_as_the_interval(state: State, interval_ms: int) -> None:
    """The first update's age counts, and what came since goes along."""
    own = Own(state, max_size=100, interval_ms=interval_ms)
    await own.begin()
    interval_s = interval_ms / 1000
    await own.say(update(1))
    await asyncio.sleep(0.7 * interval_s)
    await own.say(update(2))
    await asyncio.sleep(0.2 * interval_s)
    assert own.told == []
    await asyncio.sleep(0.2 * interval_s)
    ((age_s, updates),) = own.told
    assert age_s == pytest.approx(interval_s, abs=AT_ONCE_S)
    assert updates == [said(1), said(2)]

    # A time in which nothing is said makes no batch, and counts for none.
    await asyncio.sleep(5 * interval_s)
    assert own.sizes == [2]
    said_s = own.now_s
    await own.say(update(3))
    await asyncio.sleep(1.1 * interval_s)
    assert own.told[1][0] - said_s == pytest.approx(interval_s, abs=AT_ONCE_S)
    await own.end()


@pytest.mark.parametrize("max_size", [1, 3, 100])
async def test_full_batch_does_not_wait(state: State, max_size: int) -> None:
    own = Own(state, max_size=max_size, interval_ms=3_600_000)
    await own.begin()
    for number in range(max_size - 1):
        await own.say(update(number))
    await asyncio.sleep(60)
    assert own.told == []
    await own.say(update(max_size))
    await asyncio.sleep(AT_ONCE_S)
    ((age_s, updates),) = own.told
    assert age_s == pytest.approx(60, abs=2 * AT_ONCE_S)
    assert len(updates) == max_size
    await own.end()


async def test_more_than_a_batch_holds_becomes_several(state: State) -> None:
    own = Own(state, max_size=3, interval_ms=3_600_000)
    await own.begin()
    await own.say(*(update(number) for number in range(7)))
    await asyncio.sleep(AT_ONCE_S)
    assert own.sizes == [3, 3, 1]
    assert [it for _, updates in own.told for it in updates] == [
        said(number) for number in range(7)
    ]
    await own.say(update(8))
    await asyncio.sleep(3599)
    assert own.sizes == [3, 3, 1]  # the next one has all its time
    await asyncio.sleep(2)
    assert own.sizes == [3, 3, 1, 1]
    await own.end()


async def test_what_is_said_of_one_record_again_fills_no_batch(state: State) -> None:
    own = Own(state, max_size=3, interval_ms=1000)
    await own.begin()
    for class_ in ("COLD", "COOL", "WARM", "HOT"):
        await own.say(update(1, class_))
    await asyncio.sleep(0.9)
    assert own.told == []
    await asyncio.sleep(0.2)
    assert [updates for _, updates in own.told] == [[said(1, "HOT")]]
    await own.end()


async def test_node_does_as_its_settings_say(network: Network) -> None:
    """The defaults are those of the protocol's document: 100 updates, or 1 s."""
    settings = BatchConfig()
    assert (settings.max_size, settings.interval) == (100, 1000)
    node = await network.node()
    await asyncio.sleep(AT_ONCE_S)
    await node.say(*(update(number) for number in range(99)))
    await asyncio.sleep(0.9)
    assert await node.table("batches") == []
    await asyncio.sleep(0.2)
    assert len(await node.table("batches")) == 1
    await node.say(*(update(number) for number in range(100, 200)))
    await asyncio.sleep(AT_ONCE_S)
    assert len(await node.table("batches")) == 2
