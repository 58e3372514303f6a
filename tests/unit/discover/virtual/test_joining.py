"""The loop that dials whom the agenda names."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest

from edgenode.core.dialback import network_of
from edgenode.discover.agenda import PACE_S, Agenda
from edgenode.discover.joining import FAMILY_S, FEELER_S, Joining
from edgenode.discover.sighting import BOOTSTRAP, MDNS, Sighting
from edgenode.discover.world import World

OWN = "8" * 64
HIGHER = "f" * 64


class FakeLink:
    """A link that lives until it is ended."""

    def __init__(self, node_id: str, host: str) -> None:
        self.node_id = node_id
        self.host = host
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

    def choose(
        self,
        now_s: int,
        avoid: Collection[bytes] = (),
        rest_s: int = 60,
        ipv6: bool | None = None,
    ) -> Entry | None:
        for host in self.hosts:
            if network_of(host) not in avoid and ipv6 in (None, ":" in host):
                self.hosts.remove(host)
                return Entry(host)
        return None

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
        self.unwelcome: dict[str, str] = {}
        self.held: set[str] = set()
        self.refusing = False
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
            part=self._part,
            world=lambda: World(
                lambda node_id: node_id in self.links and node_id not in self.dead,
                len(self.links),
                frozenset(
                    group
                    for link in self.links.values()
                    if (group := network_of(link.host)) is not None
                ),
                True,
                tuple(":" in link.host for link in self.links.values()),
            ),
            stalled=lambda: self.dead,
            book=self.book,
            book_s=lambda: int(asyncio.get_running_loop().time()),
            outbound_target=target,
            random=lambda: 0.5,
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
            await asyncio.sleep(0.0 if self.refusing else within_s or 10.0)
            return "no answer"
        return FakeLink(self.there[host], host)

    async def _live(self, link: FakeLink) -> str:
        if link.node_id in self.unwelcome:
            return self.unwelcome[link.node_id]
        if link.node_id in self.held:  # the peer has dialled, and its link is the one that stays
            return "duplicate"
        self.links[link.node_id] = link
        return await link.end

    async def _part(self, node_id: str) -> None:
        self.held.discard(node_id)
        self.links.pop(node_id).end.set_result("duplicate")

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


@pytest.mark.parametrize("reason", ["busy", "retired"])
async def test_whom_this_node_itself_does_not_want_is_not_dialled_again_soon(reason: str) -> None:
    scene = Scene()
    scene.there["192.168.1.2"] = HIGHER
    scene.unwelcome[HIGHER] = reason
    async with scene.running():
        scene.joining.sighted(Sighting(MDNS, "192.168.1.2", 4242, HIGHER))
        await asyncio.sleep(60.0)
    assert len(scene.dialled) == 1


async def test_half_of_the_places_wait_for_networks_that_are_not_linked() -> None:
    crowd = [f"9.9.{number}.1" for number in range(40)]
    scene = Scene(*crowd)
    scene.there = {host: f"{number:064x}" for number, host in enumerate(crowd)}
    async with scene.running():
        await asyncio.sleep(300.0)
        assert len(scene.links) == 8
        others = [f"11.{number}.0.1" for number in range(40)]
        scene.there.update({host: f"f{number:063x}" for number, host in enumerate(others)})
        scene.book.hosts += others
        await asyncio.sleep(300.0)
        assert len(scene.links) == 16


@pytest.mark.parametrize("held", [False, True])
async def test_where_all_links_are_of_one_family_an_address_of_the_other_is_dialled(
    held: bool,
) -> None:
    first = [f"2a{number:02x}::1" for number in range(16)]
    scene = Scene(*first)
    scene.there = {host: f"{number:064x}" for number, host in enumerate(first)}
    async with scene.running():
        await asyncio.sleep(FAMILY_S - 1)
        assert len(scene.links) == 16
        # Of one that is not there, of one that is linked, of another node.
        scene.there.update({"9.0.0.1": f"{0:064x}"})
        scene.book.hosts += ["9.1.0.1", "9.0.0.1", "9.2.0.1"]
        if held:
            scene.held = {f"{0:064x}"}
        await asyncio.sleep(8 * FAMILY_S)
        assert sorted(":" in link.host for link in scene.links.values()) == [False] + 15 * [True]
        assert scene.book.hosts == ["9.2.0.1"]


async def test_the_only_link_is_not_given_up_for_the_other_family() -> None:
    scene = Scene("2a01::1", target=1)
    scene.there = {"2a01::1": HIGHER, "9.0.0.1": HIGHER}
    async with scene.running():
        await asyncio.sleep(1.0)
        only = scene.links[HIGHER]
        scene.book.hosts = ["9.0.0.1"]
        await asyncio.sleep(10 * FAMILY_S)
        assert scene.links[HIGHER] is only


async def test_a_host_without_the_other_family_tries_ever_more_seldom() -> None:
    scene = Scene(target=2)
    for number in range(2):
        scene.links[f"{number:064x}"] = FakeLink(f"{number:064x}", f"9.{number}.0.1")
    scene.book.hosts = [f"2a{number:02x}::1" for number in range(100)]
    async with scene.running():
        await asyncio.sleep(24 * 3600.0)
    assert len(scene.dialled) < 24 + 10


# Of the virtual loop, about times that differ by less than a microsecond.
@pytest.mark.filterwarnings("ignore:delta is less than resolution")
async def test_a_book_of_which_nothing_answers_is_not_gone_through_in_a_moment() -> None:
    scene = Scene(*(f"9.{number}.0.1" for number in range(200)))
    scene.refusing = True
    async with scene.running():
        await asyncio.sleep(60.0)
    assert 30 <= len(scene.dialled) <= 65
