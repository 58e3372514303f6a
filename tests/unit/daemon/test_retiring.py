"""Retired keys: who is believed, what is kept over a restart, what is told on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.rotation import MAX_KEPT, Retired, Rotation, Rotations, rotate
from edgenode.core.signed import Signed
from edgenode.core.strictjson import encode
from edgenode.crypto import SigningKey
from edgenode.daemon.guard.retiring import Retiring
from edgenode.link.keep import StaticPeer
from edgenode.store.database import Database
from edgenode.store.retired import RetiredTable

NETWORK = "main"


def key(number: int) -> SigningKey:
    return SigningKey(number.to_bytes(32, "big"))


def node(number: int) -> str:
    return key(number).public_key.hex()


def made(old: int, new: int, network: str = NETWORK) -> Rotation:
    one, other = key(old), key(new)
    return rotate(network, one.public_key, other.public_key, 7, one.sign, other.sign)


class PlainLink:
    def __init__(self, node_id: str) -> None:
        self.node_id = node_id
        self.posted: list[Rotations] = []
        self.closed = ""

    def post(self, frame: Any) -> None:
        self.posted.append(frame)

    def close(self, reason: str) -> None:
        self.closed = reason


class PlainLinks(list[PlainLink]):
    def get(self, node_id: str) -> PlainLink | None:
        return next((link for link in self if link.node_id == node_id), None)


class Place:
    """A node that hears of retired keys."""

    def __init__(self, database: Database, own: list[Rotation]) -> None:
        self.links = PlainLinks()
        self.static = [StaticPeer("192.0.2.1", 4242)]
        self.carried: set[str] = set()
        self.retired = Retired()
        self.retiring = Retiring(
            retired=self.retired,
            own=own,
            network=NETWORK,
            table=RetiredTable(database),
            links=self.links,  # type: ignore[arg-type]
            static=self.static,
            encode_event=lambda told: told,  # type: ignore[arg-type,return-value]
            is_carried=self.carried.__contains__,
            drop=self.drop,
        )

    async def drop(self, node_id: str) -> None:
        self.carried.discard(node_id)

    def link(self, number: int) -> PlainLink:
        self.links.append(PlainLink(node(number)))
        return self.links[-1]

    def hear(self, link: PlainLink, *told: Rotation) -> None:
        self.retiring.receive(link, Rotations(list(told)))  # type: ignore[arg-type]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "state.db")
    yield opened
    await opened.close()


@pytest.fixture
async def place(database: Database) -> AsyncIterator[Place]:
    made_here = Place(database, [])
    yield made_here
    await made_here.retiring.close()


def said(link: PlainLink) -> list[tuple[str, str]]:
    return [(item.old_id, item.new_id) for told in link.posted for item in told.rotations]


async def test_an_origin_that_is_carried(place: Place) -> None:
    place.carried.add(node(1))
    earlier, teller, other = place.link(1), place.link(2), place.link(3)
    place.hear(teller, made(1, 2))
    assert place.retiring.refusal(node(1)) == "retired"
    assert place.retiring.refusal(node(2)) == ""
    assert place.retiring.successor(node(1)) == node(2)
    assert earlier.closed == "retired"
    assert said(other) == [(node(1), node(2))]
    assert not teller.posted
    place.hear(other, made(1, 2))
    assert len(other.posted) == 1  # once
    await place.retiring.close()
    assert not place.carried


async def test_it_is_kept(place: Place, database: Database) -> None:
    place.carried.add(node(1))
    place.hear(place.link(2), made(1, 2))
    await place.retiring.close()
    again = Place(database, [])
    assert again.retiring.refusal(node(1)) == ""
    await again.retiring.open()
    assert again.retiring.refusal(node(1)) == "retired"
    link = again.link(5)
    again.retiring.greet(link)  # type: ignore[arg-type]
    assert said(link) == [(node(1), node(2))]


async def test_what_is_kept_is_checked_again(place: Place, database: Database) -> None:
    table = RetiredTable(database)
    await table.put(node(1), encode(made(1, 2, network="another").to_data()))
    await table.put(node(3), b"damaged")
    await place.retiring.open()
    assert not len(place.retired)


async def test_own_statements_are_never_forgotten_for_others(database: Database) -> None:
    place = Place(database, [made(1, 2)])
    link = place.link(3)
    for number in range(10, 10 + MAX_KEPT + 1):
        place.carried.add(node(number))
        place.hear(link, made(number, number + 1000))
    await place.retiring.close()
    assert place.retiring.refusal(node(10)) == ""
    assert place.retiring.refusal(node(1)) == "retired"


async def test_own_statements_of_another_network_are_not_told(database: Database) -> None:
    place = Place(database, [made(1, 2, network="another"), made(2, 3)])
    link = place.link(5)
    place.retiring.greet(link)  # type: ignore[arg-type]
    assert said(link) == [(node(2), node(3))]
    assert place.retiring.refusal(node(1)) == "retired"


async def test_unknown_ids_are_not_kept(place: Place, database: Database) -> None:
    teller = place.link(2)
    for number in range(100, 150):
        place.hear(teller, made(number, 2))
    await place.retiring.close()
    assert not len(place.retired)
    assert await RetiredTable(database).load() == []


async def test_static_peers_follow(place: Place) -> None:
    place.static[0].node_id = node(1)
    place.hear(place.link(2), made(1, 2))
    assert place.static[0].node_id == node(2)


async def test_nobody_is_retired_without_his_key(place: Place) -> None:
    place.carried.add(node(1))
    teller = place.link(9)
    real = made(1, 2)
    thief = made(8, 9)
    text = real.old.payload.replace(node(2), node(9))
    forgeries = [
        Rotation(Signed(node(1), 1, 0, 7, text, thief.old.signature), thief.new),
        Rotation(Signed(node(1), 1, 0, 7, text, bytes(64)), Signed(node(9), 1, 0, 7, text, b"")),
        Rotation(real.old, thief.new),
        made(1, 2, network="another"),
    ]
    for forged in forgeries:
        with pytest.raises((ProtocolError, DecodeError)):
            place.hear(teller, forged)
    assert place.retiring.refusal(node(1)) == ""
    assert place.carried == {node(1)}


async def test_the_first_word_stands(place: Place) -> None:
    place.carried.add(node(1))
    place.hear(place.link(2), made(1, 2))
    place.hear(place.link(3), made(1, 3))
    assert place.retiring.successor(node(1)) == node(2)


async def test_own_keys_are_told_first(database: Database) -> None:
    place = Place(database, [made(1, 2), made(2, 3)])
    link = place.link(9)
    place.retiring.greet(link)  # type: ignore[arg-type]
    assert said(link) == [(node(2), node(3)), (node(1), node(2))]
    assert place.retiring.refusal(node(1)) == "retired"


async def test_nothing_to_tell(place: Place) -> None:
    link = place.link(1)
    place.retiring.greet(link)  # type: ignore[arg-type]
    assert not link.posted
