"""Puts at one node and fetches at another, without a pause, whatever happens to either."""

import asyncio
import random
from collections.abc import Iterator

import aiohttp

from tests.integration.support.files import block_id, real_files
from tests.integration.support.memory import MIB
from tests.integration.support.node import Node

PUTTERS = 4
FETCHERS = 4
LARGE_EVERY = 25
LARGE = 3 * MIB
BACKLOG = 40
"""Blocks put and not fetched yet, at most: neither node is to be idle for long."""

GONE = (aiohttp.ClientError, OSError, TimeoutError)
"""What a request ends with when its node is killed."""

# B answers so when A went away and did not come back in time, or too much is under way.
EXCUSED = {"block-unavailable", "busy"}


class Load:
    """Blocks put at `a` and fetched at `b`; what was acknowledged by whom.

    `up` tells which nodes can be asked now: whoever kills one clears its event.
    """

    def __init__(self, a: Node, b: Node, seed: int) -> None:
        self.put: dict[str, bytes] = {}
        self.fetched: set[str] = set()
        self.up = {node: asyncio.Event() for node in (a, b)}
        for event in self.up.values():
            event.set()
        self._a, self._b = a, b
        self._random = random.Random(seed)
        self._contents = self._generate()
        self._to_fetch: asyncio.Queue[str] = asyncio.Queue()
        self._room = asyncio.Semaphore(BACKLOG)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._put()) for _ in range(PUTTERS)]
        self._tasks += [asyncio.create_task(self._fetch()) for _ in range(FETCHERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for result in results:
            if result is not None and not isinstance(result, asyncio.CancelledError):
                raise result

    def check(self) -> None:
        """Raise what went wrong with a request, other than that its node was gone."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _put(self) -> None:
        for content in self._contents:
            await self._room.acquire()
            while True:
                await self.up[self._a].wait()
                try:
                    name = await self._a.rest.post(content)
                except GONE:
                    continue  # whether it was stored is open: once more
                assert name == block_id(content)
                self.put[name] = content
                self._to_fetch.put_nowait(name)
                break

    async def _fetch(self) -> None:
        while True:
            name = await self._to_fetch.get()
            while True:
                await self.up[self._b].wait()
                try:
                    answer = await self._b.rest.get(name)
                except GONE:
                    continue
                if answer.status == 200:
                    break
                assert answer.problem in EXCUSED, answer
            assert answer.body == self.put[name]
            self.fetched.add(name)
            self._room.release()

    def _generate(self) -> Iterator[bytes]:
        """Real files, now and then a large block, and random ones when the files are used up."""
        files = iter(real_files(600).values())
        number = 0
        while True:
            number += 1
            if number % LARGE_EVERY == 0:
                yield self._random.randbytes(LARGE)
            else:
                yield next(files, None) or self._random.randbytes(self._random.randrange(1, 2**16))
