"""What is held is told, also what an earlier run had no time to tell."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import cast

import pytest

from edgenode.core.errors import Busy, NotHolder, StoreFailed
from edgenode.core.records import LOCATION, METADATA, Update
from edgenode.daemon.records import holding as module
from edgenode.daemon.records.holding import Holding
from edgenode.daemon.records.publishing import Publisher
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from edgenode.store.rows import BatchRow
from edgenode.store.state import State
from tests.integration.support.wait import eventually
from tests.unit.store.helpers import open_store, put

OWN = "11" * 32
WALL_MS = 1_800_000_000_000

Seen = list[tuple[str, str, object]]


class Told:
    """A publisher that keeps what it is given, in the outbox too."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.updates: list[Update] = []
        self.refuses = 0

    async def submit(self, updates: Sequence[Update]) -> None:
        if self.refuses:
            self.refuses -= 1
            raise Busy("full")
        await self.outbox.put(updates)
        self.updates += updates

    async def submit_found(self, updates: Sequence[Update]) -> None:
        if self.refuses:
            self.refuses -= 1
            raise Busy("full")
        before = {update.block_id: await self.waiting(update.block_id) for update in updates}
        await self.outbox.put_found(OWN, updates)
        for update in updates:
            now = await self.waiting(update.block_id)
            taken = now != before[update.block_id] and now[METADATA] == update.data
            if update.type == LOCATION or taken:
                self.updates.append(update)

    async def waiting(self, block_id: str) -> dict[str, object]:
        found = await self.outbox.of_block(block_id)
        return {update.type: update.data for update in found if update.type == METADATA}

    async def withhold(self, block_id: str) -> None:
        await self.outbox.withhold(block_id)
        self.updates.append(Update(LOCATION, block_id, None))

    def seen(self) -> Seen:
        return [(update.type, update.block_id, update.data) for update in self.updates]


class Node:
    """A store of blocks and the records of one node; `start` and `kill` make its lives."""

    def __init__(self, state: State, folder: Path) -> None:
        self.state = state
        self.folder = folder
        self.records = Records(state.database)
        self.outbox = Outbox(state.database)
        self.told = Told(self.outbox)
        self.running: asyncio.Task[None] | None = None
        self.seq = 0

    async def open(self) -> None:
        self.store = await open_store(self.folder)

    def start(self) -> Holding:
        self.told = Told(self.outbox)
        self.holding = Holding(
            self.store,
            self.records,
            self.outbox,
            cast(Publisher, self.told),
            own_id=OWN,
            wall_ms=lambda: WALL_MS,
        )
        self.running = asyncio.create_task(self.holding.run())
        return self.holding

    async def kill(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.wait([self.running])
            self.running = None

    async def sign(self, *updates: Update) -> None:
        """What waits, or else `updates`, is in a batch from now on."""
        self.seq += 1
        taken = await self.outbox.take(100)
        row = BatchRow(OWN, 1, self.seq, self.seq.to_bytes(16), WALL_MS, "{}", bytes(64))
        await self.outbox.sent(
            row, list(updates) or [update for _, update in taken], [key for key, _ in taken]
        )

    async def until(self, expected: Seen) -> None:
        async def all_told() -> bool:
            return sorted(map(str, self.told.seen())) == sorted(map(str, expected))

        await eventually(all_told, f"{expected} is told, not {self.told.seen()}")

    async def life(self) -> Seen:
        """Return what one start finds to tell, to its end."""
        holding = self.start()
        holding.on_held("ee" * 64, 1)  # told after what is found
        await eventually(self._found, "compared")
        await self.kill()
        return [item for item in self.told.seen() if item[1] != "ee" * 64]

    async def _found(self) -> bool:
        holding = self.holding
        compared = not holding._missed and holding._spoken is None and not holding._waiting
        return compared and any(update.block_id == "ee" * 64 for update in self.told.updates)


@pytest.fixture
async def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    monkeypatch.setattr(module, "PAGE", 2)
    state = await State.open(tmp_path / "state.db")
    made = Node(state, tmp_path / "blocks")
    await made.open()
    yield made
    await made.kill()
    await state.close()


def located(block_id: str, size: int) -> tuple[str, str, object]:
    return (LOCATION, block_id, {"size": size})


def held(block_id: str, size: int) -> Seen:
    return [located(block_id, size), (METADATA, block_id, {"size": size, "createdAt": WALL_MS})]


def gone(block_id: str) -> Seen:
    return [(LOCATION, block_id, None)]


async def test_blocks_are_told_once_and_when_they_go(node: Node) -> None:
    blocks = [await put(node.store, b"x" * size) for size in range(1, 6)]
    await node.sign(Update(LOCATION, blocks[0], {"size": 1}))  # by an earlier run
    holding = node.start()
    node.told.refuses = 2
    expected = [item for size in range(2, 6) for item in held(blocks[size - 1], size)]
    await node.until(expected)
    holding.on_held("ab" * 64, 7)
    expected += held("ab" * 64, 7)
    await node.until(expected)
    holding.on_gone(blocks[0])
    expected += gone(blocks[0])
    await node.until(expected)


async def test_a_start_with_nothing_to_tell(node: Node) -> None:
    await put(node.store, b"x")
    node.start()
    await eventually(lambda: _true(len(node.told.updates) == 2), "told")
    await node.kill()
    assert await node.life() == []  # it waits in the outbox
    await node.sign()
    assert await node.life() == []  # it is in a batch


async def test_a_block_that_went_before_a_crash_is_told_to_be_gone(node: Node) -> None:
    block = await put(node.store, b"x")
    await node.store.delete(block)
    await node.sign(Update(LOCATION, block, {"size": 1}))
    assert await node.life() == gone(block)


async def test_a_block_that_went_while_its_record_waited(node: Node) -> None:
    block = await put(node.store, b"x")
    await node.store.delete(block)
    await node.outbox.put([Update(LOCATION, block, {"size": 1})])
    assert await node.life() == gone(block)


@pytest.mark.parametrize("signed", [True, False])
async def test_a_block_deleted_and_put_again_before_a_crash_is_told_again(
    node: Node, signed: bool
) -> None:
    """Neither a tombstone in a batch, nor one that waits over a record that stands, settles it."""
    block = await put(node.store, b"x")
    await node.sign(Update(LOCATION, block, {"size": 1}))
    await node.outbox.put([Update(LOCATION, block, None)])
    if signed:
        await node.sign()
    assert await node.life() == held(block, 1)


@pytest.mark.parametrize("signed", [True, False])
async def test_what_the_operator_withdrew_stays_withdrawn(node: Node, signed: bool) -> None:
    block = await put(node.store, b"x")
    holding = node.start()
    await node.until(held(block, 1))
    await holding.set_held(block, False)
    await node.kill()
    if signed:
        await node.sign()
    assert await node.life() == []
    assert await node.life() == []  # and it is no matter how often

    await node.start().set_held(block, True)
    await node.kill()
    await node.outbox.put([Update(LOCATION, block, None)])  # by a delete
    assert await node.life() == [located(block, 1)]


async def test_what_is_stored_anew_is_told_whatever_was_said_before(node: Node) -> None:
    block = await put(node.store, b"x")
    holding = node.start()
    await node.until(held(block, 1))
    await holding.set_held(block, False)
    await node.store.delete(block)
    holding.on_gone(block)
    await put(node.store, b"x")
    holding.on_held(block, 1)
    await node.until([*held(block, 1), *gone(block), *gone(block), located(block, 1)])
    await node.kill()
    await node.outbox.put([Update(LOCATION, block, None)])
    assert await node.life() == [located(block, 1)]


async def test_a_withheld_block_that_went_before_a_crash_is_withheld_no_more(node: Node) -> None:
    block = await put(node.store, b"x")
    holding = node.start()
    await node.until(held(block, 1))
    await holding.set_held(block, False)
    await node.kill()
    await node.store.delete(block)
    assert await node.life() == []
    assert await node.outbox.all_withheld("", 10) == []
    await put(node.store, b"x")
    assert await node.life() == [located(block, 1)]


async def test_the_operator_speaks_of_a_block_that_is_not_held(node: Node) -> None:
    holding = node.start()
    with pytest.raises(NotHolder):
        await holding.set_held("ab" * 64, True)
    await holding.set_held("ab" * 64, False)
    assert node.told.seen() == gone("ab" * 64)
    assert await node.outbox.all_withheld("", 10) == []  # or anything could fill the table


async def test_the_operator_s_word_counts_over_what_still_waits(node: Node) -> None:
    holding = node.start()
    await node.life()
    holding = node.start()
    node.told.refuses = 1_000_000
    block = await put(node.store, b"x")
    holding.on_held(block, 1)
    await eventually(lambda: _true(node.told.refuses < 1_000_000), "refused")
    await holding.set_held(block, False)
    node.told.refuses = 0
    other = await put(node.store, b"xx")
    holding.on_held(other, 2)
    await node.until([*gone(block), *held(other, 2)])


async def test_the_operator_s_words_count_over_what_is_about_to_be_told(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    words: dict[str, object] = {"durabilityLevel": "archive"}
    put_found = node.outbox.put_found
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def slowly(own_id: str, updates: Sequence[Update]) -> None:
        asked.set()
        await goes_on.wait()
        await put_found(own_id, updates)

    monkeypatch.setattr(node.outbox, "put_found", slowly)
    block, other = await put(node.store, b"x"), await put(node.store, b"xx")
    holding = node.start()
    await eventually(lambda: _true(asked.is_set()), "about to be told")
    await node.outbox.put([Update(METADATA, block, words)])
    goes_on.set()
    await node.until([located(block, 1), *held(other, 2)])
    assert words in [update.data for update in await node.outbox.of_block(block)]
    assert not holding._waiting


async def test_the_operator_s_word_counts_over_what_is_just_compared(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    withheld = node.outbox.withheld
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def slowly(block_ids: Sequence[str]) -> set[str]:
        found = await withheld(block_ids)
        asked.set()
        await goes_on.wait()
        return found

    monkeypatch.setattr(node.outbox, "withheld", slowly)
    block, other = await put(node.store, b"x"), await put(node.store, b"xx")
    holding = node.start()
    await asked.wait()
    await holding.set_held(block, False)
    goes_on.set()
    await node.until([*gone(block), *held(other, 2)])


async def test_the_operator_s_words_about_a_block_outlive_its_return(node: Node) -> None:
    words: dict[str, object] = {"durabilityLevel": "archive", "createdAt": 5}
    block = await put(node.store, b"x")
    await node.sign(Update(METADATA, block, words))
    assert await node.life() == [located(block, 1)]


async def test_more_than_may_wait_is_told_by_and_by(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    blocks = [await put(node.store, b"x" * size) for size in range(1, 11)]
    holding = node.start()
    await node.until([it for size in range(1, 11) for it in held(blocks[size - 1], size)])
    node.told.updates.clear()
    more = [await put(node.store, b"y" * size) for size in range(1, 11)]
    for size, block in enumerate(more, 1):
        holding.on_held(block, size)
    assert len(holding._waiting) == 3
    await node.until([it for size in range(1, 11) for it in held(more[size - 1], size)])


async def test_a_disk_that_refuses_is_asked_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = await put(node.store, b"x")
    listing: Callable[..., Awaitable[object]] = node.store.list_blocks
    failures = 2

    async def failing(after: str | None, limit: int) -> object:
        nonlocal failures
        if failures:
            failures -= 1
            raise StoreFailed("unplugged")
        return await listing(after, limit)

    monkeypatch.setattr(node.store, "list_blocks", failing)
    node.start()
    await node.until(held(block, 1))


async def _true(value: bool) -> bool:
    return value
