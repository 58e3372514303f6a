"""Passing blocks on: bounds, order and what goes wrong, with links that only keep what is sent."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from edgenode.core.counters import Counters
from edgenode.core.errors import ProtocolError
from edgenode.core.events import HAVE, LACK, WANT, BlockSync
from edgenode.core.inbound import Chunk, decode_frame
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.passing import MAX_ASKERS, MAX_WAITING, Passing
from edgenode.link.link import Link

OWN = "11" * 32
HOLDER, OTHER = "aa" * 32, "bb" * 32
BLOCK = "0f" * 64
KIB = 1024


class FakeLink:
    def __init__(self, node_id: str) -> None:
        self.node_id = node_id
        self.sent: asyncio.Queue[BlockSync | Chunk] = asyncio.Queue()

    def post(self, frame: bytes) -> None:
        record = decode_frame(frame, OWN)
        assert isinstance(record, BlockSync | Chunk)
        self.sent.put_nowait(record)

    async def send(self, frame: bytes) -> None:
        self.post(frame)

    async def next_sync(self) -> BlockSync:
        record = await self.sent.get()
        assert isinstance(record, BlockSync)
        return record

    async def next_chunk(self) -> Chunk:
        record = await self.sent.get()
        assert isinstance(record, Chunk)
        return record


class Place:
    """A node with links to holders and askers."""

    def __init__(self, bytes_per_s: int = 1000 * KIB, known: tuple[str, ...] = (HOLDER,)) -> None:
        self.links = {name: FakeLink(name) for name in (HOLDER, OTHER)}
        self.counters = Counters()
        self.last_id = 100

        async def holders(_block_id: str) -> list[str]:
            return list(known)

        self.passing = Passing(
            bytes_per_s=bytes_per_s,
            links=lambda name: cast("Link | None", self.links.get(name)),
            holders=holders,
            new_id=self.new_id,
            encode=Outbound(OWN, lambda: 0).block_sync,
            counters=self.counters,
        )

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def asker(self, number: int = 0) -> FakeLink:
        return FakeLink(f"{number:02d}" * 32)

    def want(self, link: FakeLink, length: int = 0, offset: int = 0, fetch_id: int = 7) -> None:
        want = BlockSync(WANT, BLOCK, fetch_id, offset=offset, length=length, through=True)
        self.passing.want(cast(Link, link), want)

    async def find(self, link: FakeLink, holder: str = HOLDER) -> None:
        """Let an asker find that the holder has the block."""
        self.want(link)
        asked = await self.links[holder].next_sync()
        assert (asked.op, asked.length, asked.through) == (WANT, 0, False)
        self.passing.on_sync(holder, BlockSync(HAVE, BLOCK, asked.fetch_id, size=1000 * KIB))
        have = await link.next_sync()
        assert (have.op, have.fetch_id, have.size, have.through) == (HAVE, 7, 1000 * KIB, True)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    yield made
    made.passing.stop()


async def test_bytes_are_passed_on_under_the_askers_id(place: Place) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 4, 10)
    wanted = await place.links[HOLDER].next_sync()
    assert (wanted.offset, wanted.length, wanted.through) == (10, 4, False)
    assert place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, 10, b"ab"))
    assert place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, 12, b"cd"))
    for offset, data in ((10, b"ab"), (12, b"cd")):
        chunk = await asker.next_chunk()
        assert (chunk.fetch_id, chunk.offset, chunk.data) == (7, offset, data)
    assert place.counters.bytes_relayed == 4


async def test_what_was_not_asked_for_is_left_to_others(place: Place) -> None:
    assert not place.passing.on_chunk(HOLDER, Chunk(101, 0, b"a"))
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 4)
    wanted = await place.links[HOLDER].next_sync()
    assert not place.passing.on_chunk(OTHER, Chunk(wanted.fetch_id, 0, b"a"))
    assert not place.passing.on_sync(HOLDER, BlockSync(LACK, BLOCK, wanted.fetch_id + 1))


async def test_a_holder_that_lacks_it_is_replaced_by_one_that_has_it() -> None:
    place = Place(known=(OTHER, HOLDER, "cc" * 32))
    asker = place.asker()
    place.want(asker)
    asked = await place.links[OTHER].next_sync()
    place.passing.on_sync(OTHER, BlockSync(LACK, BLOCK, asked.fetch_id, reason="not-held"))
    asked = await place.links[HOLDER].next_sync()
    place.passing.on_sync(HOLDER, BlockSync(HAVE, BLOCK, asked.fetch_id, size=5))
    assert (await asker.next_sync()).size == 5
    place.passing.stop()


@pytest.mark.parametrize("known", [(), ("cc" * 32,), ("00" * 32,)])
async def test_a_block_of_nobody_else_that_is_linked_is_lacking(known: tuple[str, ...]) -> None:
    place = Place(known=known)
    asker = place.asker()
    place.links["00" * 32] = asker
    place.want(asker)
    lack = await asker.next_sync()
    assert (lack.op, lack.reason) == (LACK, "not-held")
    place.passing.stop()


async def test_bytes_without_a_question_before_are_lacking(place: Place) -> None:
    asker = place.asker()
    place.want(asker, 4)
    assert (await asker.next_sync()).op == LACK


@pytest.mark.parametrize("offset", [1, 3])
async def test_bytes_at_a_wrong_place_end_it(place: Place, offset: int) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 4, 2)
    wanted = await place.links[HOLDER].next_sync()
    place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, offset, b"abcd"))
    lack = await asker.next_sync()
    assert (lack.op, lack.reason) == (LACK, "unreadable")


async def test_a_silent_holder_and_a_lost_one_end_it(place: Place) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 4)
    assert (await asker.next_sync()).reason == "unreadable"  # after the deadline

    await place.links[HOLDER].next_sync()
    await place.find(asker)
    place.want(asker, 4)
    await place.links[HOLDER].next_sync()
    place.passing.on_lost(HOLDER)
    assert (await asker.next_sync()).reason == "unreadable"


async def test_one_holds_so_many_wants_of_an_asker_and_no_more(place: Place) -> None:
    asker = place.asker()
    for number in range(MAX_WAITING + 1):
        place.want(asker, 4, number, fetch_id=number)
    lack = await asker.next_sync()
    assert (lack.fetch_id, lack.reason) == (MAX_WAITING, "busy")


async def test_so_many_askers_are_served_at_once_and_places_come_free(place: Place) -> None:
    askers = [place.asker(number) for number in range(MAX_ASKERS + 1)]
    for asker in askers:
        place.want(asker)
    assert (await askers[-1].next_sync()).reason == "busy"
    place.passing.on_lost(askers[0].node_id)
    place.want(askers[-1])
    for _ in range(MAX_ASKERS):
        asked = await place.links[HOLDER].next_sync()
    place.passing.on_sync(HOLDER, BlockSync(HAVE, BLOCK, asked.fetch_id, size=5))
    assert (await askers[-1].next_sync()).op == HAVE


async def test_idle_askers_give_their_place_back(place: Place) -> None:
    for number in range(MAX_ASKERS):
        asker = place.asker(number)
        place.want(asker, 4)
        assert (await asker.next_sync()).op == LACK
    await asyncio.sleep(31)
    late = place.asker(MAX_ASKERS)
    place.want(late, 4)
    assert (await late.next_sync()).reason == "not-held"


async def test_the_bandwidth_is_kept_and_shared() -> None:
    place = Place(bytes_per_s=64 * KIB)
    askers = [place.asker(0), place.asker(1)]
    for asker in askers:
        await place.find(asker)
    now = asyncio.get_running_loop().time
    began = now()
    for asker in askers:
        for number in range(2):
            place.want(asker, 256 * KIB, number * 256 * KIB)
    order = []
    for _ in range(4):
        wanted = await place.links[HOLDER].next_sync()
        order.append((round(now() - began), wanted.offset // (256 * KIB)))
        for start in range(0, 256 * KIB, 64 * KIB):
            place.passing.on_chunk(
                HOLDER, Chunk(wanted.fetch_id, wanted.offset + start, bytes(64 * KIB))
            )
    assert order == [(0, 0), (4, 0), (8, 1), (12, 1)]  # one burst, then 4 s for each 256 KiB
    place.passing.stop()


async def test_a_flood_of_a_holder_is_its_own_fault(place: Place) -> None:
    asker = place.asker()
    await place.find(asker)
    place.want(asker, 4)
    wanted = await place.links[HOLDER].next_sync()
    with pytest.raises(ProtocolError):
        for _ in range(1000):
            place.passing.on_chunk(HOLDER, Chunk(wanted.fetch_id, 0, b"a"))


async def test_nothing_is_passed_on_at_no_bandwidth() -> None:
    place = Place(bytes_per_s=0)
    asker = place.asker()
    place.want(asker)
    assert (await asker.next_sync()).reason == "not-held"
