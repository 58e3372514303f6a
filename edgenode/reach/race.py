"""Asking one gateway by all methods at once, and mapping by one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from edgenode.reach.method import Grant, MappingFailed, Method, Offer, Wish

# How long an answer waits for that of a better method: PCP and NAT-PMP answer within 30 ms.
GRACE_S = 0.05
TICK_S = 0.001  # a timer may fire a hair too early


class Won(NamedTuple):
    """The mapping that came of it."""

    method: Method
    wish: Wish
    grant: Grant
    offer: Offer


class Lost(NamedTuple):
    """A method that gave no mapping."""

    method: Method
    failure: MappingFailed


async def race(
    methods: Sequence[Method],
    wishes: Sequence[Wish],
    before_map: Callable[[Method, Wish], Awaitable[None]],
) -> tuple[Won | None, list[Lost]]:
    """Probe by all `methods`, the best first, and map by the best that answers.

    A method that answers but does not map leaves it to the next one. After a conflict the next of
    `wishes` is tried. `before_map` is awaited before each request for a mapping. No two methods
    are ever asked to map at the same time.
    """
    probes = _Probes(methods)
    lost = probes.lost
    try:
        while (answer := await probes.next()) is not None:
            method, offer = answer
            try:
                wish, grant = await _map(method, wishes, before_map)
            except MappingFailed as failure:
                lost.append(Lost(method, failure))
            else:
                return Won(method, wish, grant, offer), lost
    finally:
        await probes.cancel()
    return None, lost


class _Probes:
    """Probes of several methods, all under way at once."""

    def __init__(self, methods: Sequence[Method]) -> None:
        self.lost: list[Lost] = []
        self._methods = methods
        self._pending = {
            asyncio.ensure_future(method.probe()): place for place, method in enumerate(methods)
        }
        self._answered: dict[int, Offer] = {}

    async def next(self) -> tuple[Method, Offer] | None:
        """Return the best that has answered, after a short grace; None when there is no more."""
        loop = asyncio.get_running_loop()
        grace_ends_s = float("inf")
        while True:
            for probe in [probe for probe in self._pending if probe.done()]:
                self._note(probe, self._pending.pop(probe))
            left_s = None
            if self._answered:
                best = min(self._answered)
                grace_ends_s = min(grace_ends_s, loop.time() + GRACE_S)
                left_s = grace_ends_s - loop.time()
                if left_s <= TICK_S or best < min(self._pending.values(), default=best + 1):
                    return self._methods[best], self._answered.pop(best)
            elif not self._pending:
                return None
            await asyncio.wait(self._pending, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)

    async def cancel(self) -> None:
        """End those under way."""
        for probe in self._pending:
            probe.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)

    def _note(self, probe: "asyncio.Future[Offer]", place: int) -> None:
        try:
            self._answered[place] = probe.result()
        except MappingFailed as failure:
            self.lost.append(Lost(self._methods[place], failure))


async def _map(
    method: Method,
    wishes: Sequence[Wish],
    before_map: Callable[[Method, Wish], Awaitable[None]],
) -> tuple[Wish, Grant]:
    for wish in wishes[:-1]:
        await before_map(method, wish)
        try:
            return wish, await method.map(wish, None)
        except MappingFailed as failure:
            if failure.reason != "conflict":
                raise
    await before_map(method, wishes[-1])
    return wishes[-1], await method.map(wishes[-1], None)
