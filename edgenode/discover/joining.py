"""Joining the network, and staying in it: dials those whom the agenda names."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from edgenode.discover.agenda import ENDS, PACE_S, Agenda
from edgenode.discover.sighting import PEER, Sighting
from edgenode.discover.target import TOLD, Target
from edgenode.discover.world import World

# The pause between two looks: what comes in bursts is taken together; links that show no sign of
# life are noticed.
MIN_LOOK_S = 0.02
MAX_LOOK_S = 2.0

# An address that was told is tried out so often, whether a link is wanted or not.
FEELER_S = 120.0

# While all links are of one address family, an address of the other is tried so often, then ever
# more seldom: this host or this network may not have it.
FAMILY_S = 5.0
LAST_FAMILY_S = 3600.0

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

    def choose(
        self,
        now_s: int,
        avoid: Collection[bytes] = (),
        rest_s: int = 60,
        ipv6: bool | None = None,
    ) -> Entry | None:
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
    through it, `discard(link)` ends it at once, `part(node_id)` the link with a peer. `world()`
    tells what is linked, `stalled()` the ids of peers whose links show no sign of life.
    """

    def __init__(
        self,
        agenda: Agenda,
        *,
        dial: Callable[[str, int, float | None], Awaitable[L | str]],
        live: Callable[[L], Awaitable[str]],
        discard: Callable[[L], Awaitable[object]],
        part: Callable[[str], Awaitable[None]],
        world: Callable[[], World],
        stalled: Callable[[], Collection[str]],
        book: Book,
        book_s: Callable[[], int],
        outbound_target: int,
        random: Callable[[], float],
    ) -> None:
        """`book_s()` is the clock of `book`; `random` gives floats in [0, 1)."""
        self._agenda = agenda
        self._dial = dial
        self._live = live
        self._discard = discard
        self._part = part
        self._world = world
        self._stalled = stalled
        self._book = book
        self._book_s = book_s
        self._outbound_target = outbound_target
        self._random = random
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._told_failed = False
        self._feeler_at = 0.0
        self._family_at = 0.0
        self._family_wait_s = FAMILY_S

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
        self._family_wait_s = FAMILY_S
        self._family_at = min(self._family_at, _now() + FAMILY_S)
        self._wake.set()

    async def turn(self) -> None:
        """Wait until one more dial to a place that has failed may begin."""
        while not self._agenda.may_dial_again(_now()):  # noqa: ASYNC110 - whoever comes first
            await asyncio.sleep(PACE_S / 4)

    async def run(self) -> None:
        """Work until cancelled."""
        self._feeler_at = _now() + FEELER_S
        self._family_at = _now() + FAMILY_S
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
        if now >= self._family_at:
            self._family_at = now + self._seek_family(world)

    def _seek_family(self, world: World) -> float:
        """See to it that there are links of both families; return when to look again, in seconds.

        Each is verified over links of its own. A peer that is linked by one is as good as another:
        it gives up that link for the new one, so it must not be the only one.
        """
        if len(set(world.families)) != 1 or len(world.families) == 1:
            return FAMILY_S
        wanted = not world.families[0]
        entry = self._book.choose(self._book_s(), avoid=world.groups, rest_s=0, ipv6=wanted)
        if entry is None:
            return FAMILY_S
        self._begin(self._feel(entry, keep=True))
        # Not at the same time as the peer, who may lack the same.
        wait_s = self._family_wait_s * (0.5 + self._random())
        self._family_wait_s = min(2 * self._family_wait_s, LAST_FAMILY_S)
        return wait_s

    def _consult(self, world: World) -> None:
        """Take one more address from the book, where links are lacking."""
        dialling = sum(target.kind == TOLD and target.dialling for target in self._agenda)
        if dialling >= MAX_TOLD or world.outbound + dialling >= self._outbound_target:
            return
        entry = self._book.choose(self._book_s(), avoid=world.groups)
        # Of a network that is linked already, where there is no other; half of the places wait for
        # those that come later, or that do not answer just now.
        if entry is None and world.outbound + dialling < self._outbound_target // 2:
            entry = self._book.choose(self._book_s())
        # Without a network all of the book would fail in a moment.
        if entry is not None and (not self._told_failed or self._agenda.may_dial_again(_now())):
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
            self._told_failed = self._told_failed or target.kind == TOLD
            self._book.bad(target.host, target.port, self._book_s())
            self._wake.set()
            return
        self._told_failed = False
        self._agenda.answered(target, found.node_id, _now())
        self._book.good(target.host, target.port, bytes.fromhex(found.node_id), self._book_s())
        self._wake.set()
        reason = await self._live(found)
        # A link that this node has refused never was in the table, so nobody has lost it.
        if reason not in (*ENDS, "duplicate"):
            self._agenda.refused(target, reason, _now())

    async def _feel(self, entry: Entry, *, keep: bool = False) -> None:
        """Try an address out; unless to `keep`, the link is wanted while places are free."""
        self._book.attempt(entry.host, entry.port, self._book_s())
        found = await self._dial(entry.host, entry.port, None)
        if isinstance(found, str):
            self._book.bad(entry.host, entry.port, self._book_s())
            return
        self._book.good(entry.host, entry.port, bytes.fromhex(found.node_id), self._book_s())
        world = self._world()
        # A peer that is linked has given up its older link for this one.
        if keep or world.outbound < self._outbound_target or world.linked(found.node_id):
            reason = await self._live(found)
        else:
            await self._discard(found)
            return
        if keep and reason == "duplicate":
            # A link that the peer has dialled; that it is there by the other family is known now.
            await self._part(found.node_id)
            moved = await self._dial(entry.host, entry.port, None)
            if not isinstance(moved, str):
                await self._live(moved)

    def _begin(self, work: "Awaitable[None]") -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()
