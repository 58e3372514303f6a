"""The loop that dials whom the agenda names."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from edgenode.discover.agenda import PACE_S, Agenda, World
from edgenode.discover.joining import FEELER_S, Joining
from edgenode.discover.sighting import BOOTSTRAP, MDNS, Sighting

OWN = "8" * 64
HIGHER = "f" * 64


class FakeLink:
    """A link that lives until it is ended."""

    def __init__(self, node_id: str) -> None:
        self.node_id = node_id
        self.end: asyncio.Future[str] = asyncio.get_running_loop().create_future()


class Entry:
    """An address that was told."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.port = 4242


class Book:
    """Gives the addresses that it is made with, in turn; remembers what came of them."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = list(hosts)
        self.feelers: list[str] = []
        self.said: list[tuple[str, str]] = []

    def choose(self, now_s: int, avoid: Collection[bytes] = (), rest_s: int = 60) -> Entry | None:
        return Entry(self.hosts.pop(0)) if self.hosts else None

    def feeler(self, now_s: int) -> Entry | None:
        return Entry(self.feelers.pop(0)) if self.feelers else None

    def attempt(self, host: str, port: int, now_s: int) -> None:
        pass

    def bad(self, host: str, port: int, now_s: int) -> None:
        self.said.append(("bad", host))

    def good(self, host: str, port: int, node_id: bytes, now_s: int) -> None:
        self.said.append(("good", host))


class Scene:
    """A node, and a network in which `there` maps hosts to nodeIds."""

    def __init__(self, *told: str, target: int = 16) -> None:
        self.there: dict[str, str] = {}
        self.links: dict[str, FakeLink] = {}
        self.dialled: list[tuple[float, str]] = []
        self.discarded: list[str] = []
        self.dead: set[str] = set()
        self.book = Book(*told)
        self.agenda = Agenda(
            own_id=OWN,
            outbound_target=target,
            start_wait_s=5.0,
            start_retries=3,
            linked=self.links.__contains__,
            random=lambda: 0.5,
        )
        self.joining: Joining[FakeLink] = Joining(
            self.agenda,
            dial=self._dial,
            live=self._live,
            discard=self._discard,
            world=lambda: World(
                lambda node_id: node_id in self.links and node_id not in self.dead,
                len(self.links),
                frozenset(),
                True,
            ),
            stalled=lambda: self.dead,
            book=self.book,
            book_s=lambda: int(asyncio.get_running_loop().time()),
            outbound_target=target,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.joining.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def lose(self, node_id: str) -> None:
        link = self.links.pop(node_id)
        self.joining.on_lost(node_id, 60.0, "cut")
        link.end.set_result("cut")

    async def _dial(self, host: str, port: int, within_s: float | None) -> FakeLink | str:
        self.dialled.append((asyncio.get_running_loop().time(), host))
        if host not in self.there:
            await asyncio.sleep(within_s or 10.0)
            return "no answer"
        return FakeLink(self.there[host])

    async def _live(self, link: FakeLink) -> str:
        self.links[link.node_id] = link
        return await link.end

    async def _discard(self, link: FakeLink) -> None:
        self.discarded.append(link.node_id)


async def test_a_neighbour_is_dialled_when_it_is_sighted() -> None:
    scene = Scene()
    scene.there["192.168.1.2"] = HIGHER
    async with scene.running():
        await asyncio.sleep(5.0)
        seen = asyncio.get_running_loop().time()
        scene.joining.sighted(Sighting(MDNS, "192.168.1.2", 4242, HIGHER))
        await asyncio.sleep(0.1)
        assert set(scene.links) == {HIGHER}
    assert scene.dialled[0][0] - seen < 0.05


async def test_a_lost_peer_is_back_within_seconds_of_being_there_again() -> None:
    scene = Scene()
    scene.there["192.168.1.2"] = HIGHER
    async with scene.running():
        scene.joining.sighted(Sighting(MDNS, "192.168.1.2", 4242, HIGHER))
        await asyncio.sleep(1.0)
        del scene.there["192.168.1.2"]
        scene.lose(HIGHER)
        await asyncio.sleep(60.0)
        meanwhile = len(scene.dialled) - 1
        scene.there["192.168.1.2"] = HIGHER
        await asyncio.sleep(5.0)
        assert set(scene.links) == {HIGHER}
    assert 12 <= meanwhile <= 60


async def test_a_link_without_a_sign_of_life_is_dialled_anew() -> None:
    scene = Scene()
    scene.there["192.168.1.2"] = HIGHER
    async with scene.running():
        scene.joining.sighted(Sighting(MDNS, "192.168.1.2", 4242, HIGHER))
        await asyncio.sleep(1.0)
        first = scene.links[HIGHER]
        scene.dead.add(HIGHER)
        await asyncio.sleep(5.0)
        assert scene.links[HIGHER] is not first


async def test_the_book_is_asked_until_there_are_links_enough() -> None:
    hosts = [f"9.{number}.0.1" for number in range(40)]
    scene = Scene(*hosts)
    scene.there = {host: f"{number:064x}" for number, host in enumerate(hosts)}
    async with scene.running():
        await asyncio.sleep(300.0)
        assert len(scene.links) == 16
    assert ("good", hosts[0]) in scene.book.said


async def test_what_does_not_answer_is_told_to_the_book() -> None:
    scene = Scene("9.9.9.9")
    async with scene.running():
        await asyncio.sleep(30.0)
    assert ("bad", "9.9.9.9") in scene.book.said


async def test_a_feeler_takes_no_place() -> None:
    scene = Scene("9.0.0.1", target=1)
    scene.there = {"9.0.0.1": "1" * 64, "9.1.0.1": "2" * 64}
    scene.book.feelers = ["9.1.0.1", "9.2.0.1"]
    async with scene.running():
        await asyncio.sleep(2 * FEELER_S + 30.0)
        assert set(scene.links) == {"1" * 64}
    assert scene.discarded == ["2" * 64]
    assert scene.book.said[-2:] == [("good", "9.1.0.1"), ("bad", "9.2.0.1")]


async def test_turns_are_a_second_apart() -> None:
    scene = Scene()
    times = []
    for _ in range(5):
        await scene.joining.turn()
        times.append(asyncio.get_running_loop().time())
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= PACE_S


async def test_a_change_of_the_network_is_worth_a_dial() -> None:
    scene = Scene()
    async with scene.running():
        scene.joining.sighted(Sighting(BOOTSTRAP, "node.example.org", 4242))
        await asyncio.sleep(600.0)
        scene.there["node.example.org"] = HIGHER
        assert not scene.links
        scene.joining.network_changed()
        await asyncio.sleep(3.0)
        assert set(scene.links) == {HIGHER}
