"""How hot blocks are at this node: derived from its own accesses, or set by the operator."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence

from edgenode.core.errors import Busy, StoreFailed, StoreFull
from edgenode.core.records import TEMPERATURE, TEMPERATURES, Update
from edgenode.core.temperature import Heat, from_bytes
from edgenode.daemon.records.publishing import Publisher
from edgenode.store.heat import HeatTable

# Blocks whose accesses are counted, about 400 bytes each; the one asked for longest ago goes.
MAX_BLOCKS = 4096

# Classes cool with time: looked at so often, and what was counted is saved with it.
SWEEP_S = 300.0

# In the table: who gave the class, and the class, before the counts.
_DERIVED, _SET = b"d", b"s"

log = logging.getLogger(__name__)


class _Block:
    __slots__ = ("changed", "class_", "heat", "is_set", "since_ms")

    def __init__(self, heat: Heat) -> None:
        self.heat = heat
        self.class_: str | None = None
        self.is_set = False
        self.since_ms = 0
        self.changed = True


class Heating:
    """Counts accesses and tells the network when a class changes. Times are monotonic ms."""

    def __init__(self, table: HeatTable, publisher: Publisher, now_ms: Callable[[], int]) -> None:
        self._table = table
        self._publisher = publisher
        self._now_ms = now_ms
        self._blocks: OrderedDict[str, _Block] = OrderedDict()
        self._changes: dict[str, str | None] = {}
        self._changed = asyncio.Event()

    async def open(self) -> None:
        """Load what was counted before; how long the node was off is not known."""
        for block_id, packed in (await self._table.load_heat(MAX_BLOCKS)).items():
            try:
                block = _Block(from_bytes(packed[2:], self._now_ms(), 0))
                block.class_ = TEMPERATURES[packed[1]]
            except (ValueError, IndexError):
                continue
            block.is_set = packed[:1] == _SET
            block.changed = False
            self._blocks[block_id] = block

    def touch(self, block_id: str) -> None:
        """Count one access of a block."""
        block = self._find(block_id)
        block.heat.touch(self._now_ms())
        block.changed = True
        self._judge(block_id, block)

    def accesses(self, block_id: str) -> tuple[int, int | None]:
        """Return how often a block was asked for, and how many ms ago, None for never."""
        block = self._blocks.get(block_id)
        return (
            (0, None)
            if block is None
            else (block.heat.accesses, block.heat.idle_ms(self._now_ms()))
        )

    def counts(self) -> dict[str, int]:
        """Return how many blocks are of each class, hottest first, of those counted here."""
        found = dict.fromkeys(reversed(TEMPERATURES), 0)
        for block in self._blocks.values():
            if block.class_ is not None:
                found[block.class_] += 1
        return found

    async def set_classes(self, classes: Sequence[tuple[str, str | None]]) -> list[str | None]:
        """Set classes of blocks, None to derive one again, all or none; durable on return.

        Returns what is in force: None for a block that nobody has asked for.
        """
        in_force = [
            self._derived(block_id) if class_ is None else class_ for block_id, class_ in classes
        ]
        told = list(zip([block_id for block_id, _ in classes], in_force, strict=True))
        await self._publisher.submit([_update(*item) for item in told])
        for (block_id, class_), now in zip(classes, in_force, strict=True):
            block = self._find(block_id)
            block.is_set = class_ is not None
            block.class_ = now
            block.since_ms = self._now_ms()
            block.changed = True
            self._changes.pop(block_id, None)
        return in_force

    def _derived(self, block_id: str) -> str | None:
        block = self._blocks.get(block_id)
        if block is None or not block.heat.accesses:
            return None
        return block.heat.class_at(self._now_ms(), None, 0)[0]

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                async with asyncio.timeout(SWEEP_S if self._blocks else None):
                    await self._changed.wait()
            except TimeoutError:
                await self._sweep()
            self._changed.clear()
            changes, self._changes = self._changes, {}
            if not changes:
                continue
            try:
                await self._publisher.submit([_update(*item) for item in changes.items()])
            except (Busy, StoreFailed, StoreFull) as error:
                log.info("temperatures are told later: %s", error)
                self._changes = changes | self._changes

    async def save(self) -> None:
        """Save what has changed since the last time."""
        now_ms = self._now_ms()
        items: dict[str, bytes | None] = {}
        for block_id, block in self._blocks.items():
            if block.changed and block.class_ is not None:
                who = _SET if block.is_set else _DERIVED
                class_ = bytes((TEMPERATURES.index(block.class_),))
                items[block_id] = who + class_ + block.heat.to_bytes(now_ms)
                block.changed = False
        if items:
            await self._table.save_heat(items)

    async def _sweep(self) -> None:
        for block_id, block in self._blocks.items():
            self._judge(block_id, block)
        try:
            await self.save()
        except (Busy, StoreFailed, StoreFull) as error:
            log.info("accesses are saved later: %s", error)

    def _find(self, block_id: str) -> _Block:
        block = self._blocks.get(block_id)
        if block is None:
            while len(self._blocks) >= MAX_BLOCKS:
                self._evict()
            block = self._blocks[block_id] = _Block(Heat())
        self._blocks.move_to_end(block_id)
        return block

    def _evict(self) -> None:
        # What the operator has set goes last: derived anew, it would be something else.
        derived = (block_id for block_id, block in self._blocks.items() if not block.is_set)
        del self._blocks[next(derived, next(iter(self._blocks)))]

    def _judge(self, block_id: str, block: _Block) -> None:
        if block.is_set:
            return
        before = block.class_
        block.class_, block.since_ms = block.heat.class_at(self._now_ms(), before, block.since_ms)
        if block.class_ != before:
            block.changed = True
            self._changes[block_id] = block.class_
            self._changed.set()


def _update(block_id: str, class_: str | None) -> Update:
    return Update(TEMPERATURE, block_id, None if class_ is None else {"class": class_})
