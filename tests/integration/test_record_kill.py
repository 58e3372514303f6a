"""SIGKILL at random moments of writing records: what was acknowledged stays, and all agree."""

import asyncio
import itertools
import os
import random
import sys
from collections.abc import Sequence
from types import TracebackType

import pytest

from tests.integration.support.load import GONE
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.records import QUICK, all_agree, some_id
from tests.integration.support.wait import eventually

LONGEST_S = 0.5
"""The kill comes at a moment between none and this after all are linked again."""

RELINK_S = 60.0
"""Back-off grows while the other end is down."""

BLOCKS = 8
"""Blocks whose metadata a node writes over and over; each temperature has a block of its own."""

WRITERS = 2
"""Of each node."""

READERS = 8
"""At once, of the tens of thousands of records that were written meanwhile."""


class Writers:
    """Write records at all nodes without a pause, and know what was acknowledged.

    Each writer has blocks of its own, so that it alone knows what each is to say.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.up = {node: asyncio.Event() for node in nodes}
        for event in self.up.values():
            event.set()
        # By node and block: the number acknowledged last, and the one tried last.
        self.metadata: dict[tuple[Node, str], tuple[int, int]] = {}
        self.warm: list[tuple[Node, str]] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Writers":
        for node, number in itertools.product(self.up, range(WRITERS)):
            self._tasks.append(asyncio.create_task(self._write(node, f"{node.name} {number}")))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    def check(self) -> None:
        """Raise what went wrong with a request, other than that its node was gone."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _write(self, node: Node, name: str) -> None:
        for number in itertools.count(1):
            key = (node, some_id(f"{name}, metadata {number % BLOCKS}"))
            known, _ = self.metadata.get(key, (0, 0))
            self.metadata[key] = (known, number)
            data = {"user": {"number": str(number)}}
            body: dict[str, object] = {"updates": [{"blockId": key[1], "data": data}]}
            if await self._post(node, "/sync/metadata", body):
                self.metadata[key] = (number, number)
            block = some_id(f"{name}, temperature {number}")
            if await self._post(node, f"/blocks/{block}/temperature", {"temperature": "WARM"}):
                self.warm.append((node, block))

    async def _post(self, node: Node, path: str, body: dict[str, object]) -> bool:
        """Return whether it was acknowledged; what was not may count all the same."""
        await self.up[node].wait()
        try:
            status, answer = await node.rest.write(path, body)
        except GONE:
            return False
        assert status == 200, answer
        return True


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.ci)])
async def test_kills_cost_no_record_that_was_acknowledged(nodes: Nodes, kills: int) -> None:
    seed = int(os.environ.get("EDGENODE_TEST_SEED", random.randrange(2**32)))
    sys.stdout.write(f"EDGENODE_TEST_SEED={seed}\n")
    moments = random.Random(seed)
    a = await nodes.start("a", more_config=QUICK)
    b = await nodes.start("b", dials=[a.ws_port], more_config=QUICK)
    c = await nodes.start("c", dials=[b.ws_port], more_config=QUICK)
    line = [(b, a), (c, b)]
    for dialler, other in line:
        await dialler.linked_with(other)
        await other.linked_with(dialler)

    async with Writers([a, b, c]) as writers:
        for _ in range(kills):
            await asyncio.sleep(moments.uniform(0, LONGEST_S))
            writers.check()
            victim = moments.choice([a, b, c])
            seen = {node: len(node.lines) for node in (a, b, c)}
            writers.up[victim].clear()
            await victim.kill()
            await victim.start()
            writers.up[victim].set()
            for ends in line:
                if victim in ends:
                    for node, other in (ends, ends[::-1]):
                        await node.linked_with(other, since=seen[node], timeout_s=RELINK_S)
    sys.stdout.write(f"{len(writers.metadata)} and {len(writers.warm)} records acknowledged\n")
    assert writers.warm

    for node in (a, b, c):
        for origin, block in [(n, block) for n, block in writers.metadata if n is node]:
            known, tried = writers.metadata[origin, block]
            assert known <= await number_at(node, origin, block) <= tried
    assert set(await all_agree(nodes.session, [a, b, c])) == {a.node_id, b.node_id, c.node_id}
    await eventually(
        lambda: same_everywhere(writers, [a, b, c]), "all say the same", timeout_s=30.0
    )
    await all_are_there(writers, [a, b, c])
    for node in (a, b, c):
        await node.stop()
        assert not any("ERROR" in line or "Traceback" in line for line in node.lines)


async def number_at(node: Node, origin: Node, block: str) -> int:
    """Return the number that `origin` wrote last of a block, as `node` says; 0 for none."""
    found = await node.rest.metadata(block)
    for item in found["origins"] if found else []:
        if item["nodeId"] == origin.node_id:
            return int(item["metadata"]["user"]["number"])
    return 0


async def same_everywhere(writers: Writers, nodes: Sequence[Node]) -> bool:
    for (origin, block), (known, tried) in writers.metadata.items():
        numbers = {await number_at(node, origin, block) for node in nodes}
        if len(numbers) > 1 or not known <= numbers.pop() <= tried:
            return False
    return True


async def all_are_there(writers: Writers, nodes: Sequence[Node]) -> None:
    """Find each record that was acknowledged: at its origin, and some everywhere."""

    async def look(first: int) -> None:
        for index in range(first, len(writers.warm), READERS):
            origin, block = writers.warm[index]
            expected = [{"nodeId": origin.node_id, "class": "WARM"}]
            # They carry the same batches, so that a tenth elsewhere is enough.
            for node in nodes if index % 10 == 0 else [origin]:
                found = await node.rest.metadata(block)
                assert found is not None, f"{node.name} has nothing of {block}"
                assert found["temperature"]["origins"] == expected

    async with asyncio.TaskGroup() as reading:
        for first in range(READERS):
            reading.create_task(look(first))
