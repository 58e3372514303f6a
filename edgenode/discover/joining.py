"""Joining the network, and staying in it: dials those whom the agenda names."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from edgenode.discover.agenda import PACE_S, Agenda, World
from edgenode.discover.sighting import PEER, Sighting
from edgenode.discover.target import TOLD, Target

# The pause between two looks: what comes in bursts is taken together; links that show no sign of
# life are noticed.
MIN_LOOK_S = 0.02
MAX_LOOK_S = 2.0

# An address that was told is tried out so often, whether a link is wanted or not.
FEELER_S = 120.0

# Told addresses that are dialled at once.
MAX_TOLD = 4

log = logging.getLogger(__name__)


class Entry(Protocol):
    """An address that was told."""

    @property
    def host(self) -> str:
        """IP literal."""

    @property
    def port(self) -> int:
        """TCP."""


class Book(Protocol):
    """The table of told addresses; see `AddressBook`."""

    def choose(self, now_s: int, avoid: Collection[bytes] = (), rest_s: int = 60) -> Entry | None:
        """Return an address to dial."""

    def feeler(self, now_s: int) -> Entry | None:
        """Return an address to try out."""

    def attempt(self, host: str, port: int, now_s: int) -> None:
        """A dial begins."""

    def bad(self, host: str, port: int, now_s: int) -> None:
        """A dial has failed."""

    def good(self, host: str, port: int, node_id: bytes, now_s: int) -> None:
        """A dial has reached a node."""


class Dialled(Protocol):
    """A link that was dialled."""

    @property
    def node_id(self) -> str:
        """The peer's, proved."""


L = TypeVar("L", bound=Dialled)


class Joining(Generic[L]):
    """Carries the agenda out; `run` it.

    `dial(host, port, seconds or None)` returns a link, or why there is none; `live(link)` lives
    through it, `discard(link)` ends it at once. `world()` tells what is linked, `stalled()` the ids
    of peers whose links show no sign of life.
    """

    def __init__(
        self,
        agenda: Agenda,
        *,
        dial: Callable[[str, int, float | None], Awaitable[L | str]],
        live: Callable[[L], Awaitable[str]],
        discard: Callable[[L], Awaitable[object]],
        world: Callable[[], World],
        stalled: Callable[[], Collection[str]],
        book: Book,
        book_s: Callable[[], int],
        outbound_target: int,
    ) -> None:
        """`book_s()` is the clock of `book`."""
        self._agenda = agenda
        self._dial = dial
        self._live = live
        self._discard = discard
        self._world = world
        self._stalled = stalled
        self._book = book
        self._book_s = book_s
        self._outbound_target = outbound_target
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeler_at = 0.0

    def sighted(self, sighting: Sighting, kind: str = "") -> None:
        """Somebody says that there is a node; `kind` where the way of hearing does not tell it."""
        if self._agenda.sighted(sighting, _now(), kind):
            self._wake.set()

    def on_linked(self, node_id: str, place: tuple[str, int] | None) -> None:
        """There is another link; `place` where this node has dialled it."""
        if place is not None:
            self._agenda.linked(node_id, place)
        self._wake.set()

    def wake(self) -> None:
        """Look soon: there is another address in the book."""
        self._wake.set()

    def gone(self, node_id: str) -> None:
        """A neighbour has said goodbye, or is heard no more."""
        self._agenda.gone(node_id)

    def on_lost(self, node_id: str, lived_s: float, reason: str) -> None:
        """A link has ended, and no other one with that peer is left."""
        self._agenda.lost(node_id, lived_s, reason, _now())
        self._wake.set()

    def network_changed(self) -> None:
        """The kernel tells that links, addresses or routes are others now."""
        self._agenda.network_changed(_now())
        self._wake.set()

    async def turn(self) -> None:
        """Wait until one more dial to a place that has failed may begin."""
        while not self._agenda.may_dial_again(_now()):  # noqa: ASYNC110 - whoever comes first
            await asyncio.sleep(PACE_S / 4)

    async def run(self) -> None:
        """Work until cancelled."""
        self._feeler_at = _now() + FEELER_S
        try:
            while True:
                self._look()
                wait_s = self._agenda.next_due(_now())
                wait_s = MAX_LOOK_S if wait_s is None else min(wait_s, MAX_LOOK_S)
                await asyncio.sleep(MIN_LOOK_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, wait_s - MIN_LOOK_S)):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            # Together, since each may wait a while for the other side.
            await asyncio.gather(*tasks, return_exceptions=True)

    def _look(self) -> None:
        now = _now()
        for node_id in self._stalled():
            self._agenda.suspect(node_id, now)
        world = self._world()
        self._consult(world)
        for target in self._agenda.due(now, world):
            self._begin(self._try(target))
        if now >= self._feeler_at:
            self._feeler_at = now + FEELER_S
            entry = self._book.feeler(self._book_s())
            if entry is not None:
                self._begin(self._feel(entry))

    def _consult(self, world: World) -> None:
        """Take one more address from the book, where links are lacking."""
        dialling = sum(target.kind == TOLD and target.dialling for target in self._agenda)
        if dialling >= MAX_TOLD or world.outbound + dialling >= self._outbound_target:
            return
        entry = self._book.choose(self._book_s(), avoid=world.groups)
        # Of a network that is linked already, where there is no other.
        entry = entry or self._book.choose(self._book_s())
        if entry is not None:
            self._book.attempt(entry.host, entry.port, self._book_s())
            self._agenda.sighted(Sighting(PEER, entry.host, entry.port), _now())

    async def _try(self, target: Target) -> None:
        self._book.attempt(target.host, target.port, self._book_s())
        within_s = self._agenda.dial_timeout_s(target, _now())
        # Whoever answers is welcome: what was said of him must not keep an honest node away.
        found = await self._dial(target.host, target.port, within_s)
        if isinstance(found, str):
            log.debug("%s:%d: %s", target.host, target.port, found)
            self._agenda.failed(target, found, _now())
            self._book.bad(target.host, target.port, self._book_s())
            self._wake.set()
            return
        self._agenda.answered(target, found.node_id, _now())
        self._book.good(target.host, target.port, bytes.fromhex(found.node_id), self._book_s())
        self._wake.set()
        await self._live(found)

    async def _feel(self, entry: Entry) -> None:
        """Try an address out; the link is wanted only as long as places are free."""
        self._book.attempt(entry.host, entry.port, self._book_s())
        found = await self._dial(entry.host, entry.port, None)
        if isinstance(found, str):
            self._book.bad(entry.host, entry.port, self._book_s())
            return
        self._book.good(entry.host, entry.port, bytes.fromhex(found.node_id), self._book_s())
        world = self._world()
        # A peer that is linked has given up its older link for this one.
        if world.outbound < self._outbound_target or world.linked(found.node_id):
            await self._live(found)
        else:
            await self._discard(found)

    def _begin(self, work: "Awaitable[None]") -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()
