"""Running the fetches of `core.fetch`: their events, their clock, the disk."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from edgenode.core.errors import BlockUnavailable, Busy, HashMismatch, ProtocolError
from edgenode.core.events import HAVE, BlockSync
from edgenode.core.fetch import (
    WINDOW_BYTES,
    Commit,
    Discard,
    Effect,
    Ended,
    Fetch,
    Open,
    Send,
    Write,
)
from edgenode.core.inbound import Chunk
from edgenode.daemon.clock import loop_ms
from edgenode.store.blocks import BlockStore
from edgenode.store.partial import Partial

# Fetches under way at once: each may hold a window of 512 KiB, 4 MiB in all.
MAX_FETCHES = 8
# Fetches that wait for their turn; whoever comes later is told to try again.
MAX_WAITING = 256
# Chunks that wait for one fetch; the window, which bounds their bytes, is 8 full ones.
MAX_CHUNKS = 256
# `have` and `lack` of one peer that wait for one fetch: it is due three for each link at most.
MAX_ANSWERS = 16

log = logging.getLogger(__name__)

Event = Callable[[int], list[Effect]]


class Fetcher:
    """Fetches blocks from linked peers into the store, each block once at a time."""

    def __init__(
        self,
        store: BlockStore,
        *,
        max_block_size: int,
        linked: Callable[[], list[str]],
        send: Callable[[str, BlockSync], bool],
        reach: Callable[[str], Awaitable[bool]],
    ) -> None:
        """`linked()` names the linked peers; `send(peer, sync)` is False where none is linked.

        `reach(block_id)` is called where no linked peer holds a block: it tries to come to a link
        with those who do, within its own deadline, and is False where nobody is known to.
        """
        self._store = store
        self._max_block_size = max_block_size
        self._linked = linked
        self._send = send
        self._reach = reach
        self._runs: dict[str, _Run] = {}
        self._slots = asyncio.Semaphore(MAX_FETCHES)
        self._last_id = 0

    @property
    def pending(self) -> set[str]:
        """The blocks that are being fetched or wait for their turn."""
        return set(self._runs)

    def transfers(self) -> list[tuple[str, int, int]]:
        """Return (block id, bytes received, size) of the blocks that are being handed over."""
        runs = [(run.block_id, run.partial) for run in self._runs.values()]
        return [(block_id, got.offset, got.size) for block_id, got in runs if got is not None]

    @property
    def room(self) -> int:
        """How many more fetches may be begun now."""
        return MAX_FETCHES + MAX_WAITING - len(self._runs)

    async def fetch(self, block_id: str) -> None:
        """Return when the block is held.

        Cancelling ends this wait only. Raises `BlockUnavailable`, `BlockTooLarge`, `StoreFull`,
        `StoreFailed`, `Busy`.
        """
        run = self._runs.get(block_id)
        if run is None:
            if self.room <= 0:
                raise Busy(f"{len(self._runs)} blocks are being fetched; try again later")
            run = self._runs[block_id] = _Run(block_id)
            run.task = asyncio.create_task(self._drive(run))
            run.task.add_done_callback(lambda _: self._runs.pop(block_id, None))
        assert run.task is not None
        await asyncio.shield(run.task)

    def on_sync(self, peer: str, sync: BlockSync) -> None:
        """Take a `have` or `lack` of `peer`; raises `ProtocolError` for a flood of them."""
        run = self._runs.get(sync.block_id)
        if run is None or run.fetch is None:
            return
        if sync.op == HAVE:
            have = partial(run.fetch.on_have, peer, sync.size, through=sync.through)
            run.add_answer(peer, have)
        else:
            run.add_answer(peer, partial(run.fetch.on_lack, peer, sync.reason))

    def on_chunk(self, peer: str, chunk: Chunk) -> None:
        """Take bytes from `peer`; raises `ProtocolError` for more than were asked for."""
        for run in self._runs.values():
            if run.fetch is not None and run.fetch.hands_over(peer, chunk.fetch_id):
                run.add_chunk(peer, chunk)
                return

    def on_linked(self, peer: str) -> None:
        """A link to `peer` is there."""
        for run in self._runs.values():
            if run.fetch is not None:
                run.events.put_nowait(partial(run.fetch.on_linked, peer))

    def on_lost(self, peer: str) -> None:
        """The link to `peer` ended."""
        for run in self._runs.values():
            if run.fetch is not None:
                run.events.put_nowait(partial(run.fetch.on_lost, peer))

    async def stop(self) -> None:
        """End all fetches; what they have got is kept for a later one."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def new_id(self) -> int:
        """Return a fetch id that nothing under way uses."""
        self._last_id = (self._last_id + 1) % 2**32
        return self._last_id

    async def _drive(self, run: "_Run") -> None:
        async with self._slots:
            try:
                await self._try(run, through=False)
            except BlockUnavailable:
                if not await self._reach(run.block_id):
                    raise
                await self._try_further(run)

    async def _try_further(self, run: "_Run") -> None:
        """Fetch from a holder that was reached just now, or else through another peer."""
        try:
            await self._try(run, through=False)
        except BlockUnavailable:
            await self._try(run, through=True)

    async def _try(self, run: "_Run", *, through: bool) -> None:
        fetch = run.fetch = Fetch(
            run.block_id, max_size=self._max_block_size, new_id=self.new_id, through=through
        )
        try:
            effects = fetch.start(self._linked(), loop_ms())
            while not await self._carry_out(run, fetch, effects):
                effects = await run.next_effects(fetch)
        finally:
            run.end_try()
            if run.partial is not None:
                partial, run.partial = run.partial, None
                await partial.close()

    async def _carry_out(self, run: "_Run", fetch: Fetch, effects: list[Effect]) -> bool:
        """Carry out `effects` and what they lead to; True when the fetch has ended well."""
        while effects:
            effect = effects.pop(0)
            if isinstance(effect, Send):
                if not self._send(effect.peer, effect.sync):
                    effects += fetch.on_lost(effect.peer, loop_ms())
            elif isinstance(effect, Open):
                run.partial = await self._store.partial(run.block_id, effect.size)
                effects += fetch.on_opened(run.partial.offset, loop_ms())
            elif isinstance(effect, Write):
                assert run.partial is not None
                await run.partial.write(effect.data)
            elif isinstance(effect, Commit):
                effects += fetch.on_committed(await run.commit(), loop_ms())
            elif isinstance(effect, Discard):
                assert run.partial is not None
                await run.partial.discard()
                run.partial = None
            elif isinstance(effect, Ended):
                if effect.error is not None:
                    raise effect.error
                return True
        return False


class _Run:
    """One fetch, its partial block and the events that wait for it."""

    def __init__(self, block_id: str) -> None:
        self.block_id = block_id
        self.task: asyncio.Task[None] | None = None
        self.fetch: Fetch | None = None  # while it has its turn
        self.partial: Partial | None = None
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self._queued_bytes = 0
        self._queued_chunks = 0
        self._queued_answers: dict[str, int] = {}

    def end_try(self) -> None:
        """Forget what waits for a fetch that is over."""
        self.fetch = None
        self.events = asyncio.Queue()
        self._queued_bytes = self._queued_chunks = 0
        self._queued_answers = {}

    def add_answer(self, peer: str, answer: Event) -> None:
        waiting = self._queued_answers.get(peer, 0)
        if waiting >= MAX_ANSWERS:
            raise ProtocolError("protocol-violation", "more answers than were asked for")
        self._queued_answers[peer] = waiting + 1

        def event(now: int) -> list[Effect]:
            left = self._queued_answers.pop(peer) - 1
            if left:
                self._queued_answers[peer] = left
            return answer(now)

        self.events.put_nowait(event)

    def add_chunk(self, peer: str, chunk: Chunk) -> None:
        assert self.fetch is not None
        fetch = self.fetch
        size = len(chunk.data)
        # Twice the window: a holder that was given up may still be sending.
        if self._queued_bytes + size > 2 * WINDOW_BYTES or self._queued_chunks >= MAX_CHUNKS:
            raise ProtocolError("protocol-violation", "more bytes than were asked for")
        self._queued_bytes += size
        self._queued_chunks += 1

        def event(now: int) -> list[Effect]:
            self._queued_bytes -= size
            self._queued_chunks -= 1
            return fetch.on_chunk(peer, chunk.fetch_id, chunk.offset, chunk.data, now)

        self.events.put_nowait(event)

    async def next_effects(self, fetch: Fetch) -> list[Effect]:
        """Wait for an event, or for the next deadline."""
        deadline = fetch.deadline_ms()
        timeout = None if deadline is None else max(0, deadline - loop_ms()) / 1000
        try:
            async with asyncio.timeout(timeout):
                event = await self.events.get()
        except TimeoutError:
            return fetch.on_time(loop_ms())
        return event(loop_ms())

    async def commit(self) -> bool:
        assert self.partial is not None
        partial, self.partial = self.partial, None
        try:
            await partial.commit()
        except HashMismatch:
            log.warning(
                "bytes fetched for %s… do not hash to it",
                self.block_id[:16],
                extra={"event": "fetched-damaged", "block": self.block_id},
            )
            return False
        return True
