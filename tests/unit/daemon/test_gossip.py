"""Who is told what: of own batches, of those of others, and of heads."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from edgenode.core.head import Head
from edgenode.core.records import TEMPERATURE, Update
from edgenode.core.signed import Signed
from edgenode.core.trie import Trie
from edgenode.crypto import SigningKey, digest16
from edgenode.daemon.records import gossip as module
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.exchange import Exchange
from edgenode.daemon.records.gossip import EAGER, FULL_MESH, LAZY_SHARE, Gossip
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import Signer, signed_of
from edgenode.store.records import Records
from edgenode.store.rows import BatchRow
from edgenode.store.state import State
from tests.integration.support.wait import eventually

WALL_MS = 1_800_000_000_000


class Told:
    """An exchange, and its telling, that keeps what it is given."""

    def __init__(self, replicas: Replicas, peer: str) -> None:
        self.peer = peer
        self.telling = self
        self.pushed: list[tuple[Taken, bool]] = []
        self.offered: list[BatchRow] = []
        self.origins: list[tuple[str, bytes]] = []
        self._replicas = replicas

    def expect_round(self) -> None:
        pass

    def begin_round(self) -> None:
        pass

    def push(self, taken: Taken, *, acknowledged: bool) -> None:
        self.pushed.append((taken, acknowledged))

    def offer(self, row: BatchRow) -> None:
        self.offered.append(row)

    def tell_origins(self, origins: Sequence[str]) -> None:
        for origin in origins:
            replica = self._replicas.get(origin)
            assert replica is not None
            self.origins.append((origin, replica.trie.root()))


class Teller:
    """A node's gossip with peers that keep what they are told, and another origin."""

    def __init__(self, state: State) -> None:
        self.records = Records(state.database)
        self.replicas = Replicas(self.records, "test", lambda: WALL_MS)
        self.own = Signer("test", SigningKey(bytes(32)), 1, lambda: WALL_MS)
        self.other = Signer("test", SigningKey(bytes(31) + b"\1"), 1, lambda: WALL_MS)
        self.shown: list[Taken] = []
        self.gossip = Gossip(self.replicas, self.records, self.own, self.shown.append)
        self.peers: list[Told] = []

    def link(self, count: int) -> None:
        for number in range(count):
            peer = Told(self.replicas, f"{number:064x}")
            self.peers.append(peer)
            self.gossip.add(cast(Exchange, peer))

    def batch(self, signer: Signer, number: int = 0) -> Taken:
        updates = [Update(TEMPERATURE, f"{number:0128x}", {"class": "WARM"})]
        return Taken(signer.batch(updates), updates)

    def head(self, *batches: Taken) -> Signed:
        trie = Trie(digest16, [taken.row.digest for taken in batches])
        return self.other.head(
            Head(
                batch_epoch=1,
                batch_seq=len(batches),
                floor_epoch=0,
                floor_seq=0,
                root=trie.root(),
                count=len(batches),
            )
        )

    async def hear(self, taken: Taken) -> None:
        """A batch comes from the first peer."""
        assert (await self.replicas.take([signed_of(taken.row)])).taken
        self.gossip.pass_on(taken, self.peers[0].peer)

    async def hear_head(self, head: Signed) -> None:
        assert await self.replicas.take_head(head)
        self.gossip.pass_on_heads([head.node_id], self.peers[0].peer)

    def numbers(self) -> tuple[int, int, int]:
        """Return how many peers were pushed to, offered to, and both."""
        pushed = {peer.peer for peer in self.peers if peer.pushed}
        offered = {peer.peer for peer in self.peers if peer.offered}
        return len(pushed), len(offered), len(pushed & offered)

    def roots(self) -> list[bytes]:
        return [root for peer in self.peers for _, root in peer.origins]


@pytest.fixture
async def teller(tmp_path: Path) -> AsyncIterator[Teller]:
    state = await State.open(tmp_path / "state.db")
    made = Teller(state)
    await made.replicas.open()
    yield made
    await state.close()


async def test_own_batches_are_pushed_to_all_of_a_small_network(teller: Teller) -> None:
    teller.link(FULL_MESH)
    taken = teller.batch(teller.own)
    teller.gossip.publish(taken)
    assert all(peer.pushed == [(taken, True)] for peer in teller.peers)
    assert teller.numbers() == (FULL_MESH, 0, 0)
    assert teller.shown == [taken]


async def test_of_a_larger_one_a_quarter_of_the_rest_is_offered_them(teller: Teller) -> None:
    teller.link(FULL_MESH + 8)
    taken = teller.batch(teller.own)
    teller.gossip.publish(taken)
    assert teller.numbers() == (EAGER, FULL_MESH // LAZY_SHARE, 0)
    offered = [row for peer in teller.peers for row in peer.offered]
    assert offered == [taken.row] * (FULL_MESH // LAZY_SHARE)


async def test_those_of_others_are_pushed_to_some_and_offered_to_some(teller: Teller) -> None:
    teller.link(1 + EAGER + 4 * LAZY_SHARE)
    taken = teller.batch(teller.other)
    await teller.hear(taken)
    assert teller.numbers() == (EAGER, 4, 0)
    assert not teller.peers[0].pushed
    assert not teller.peers[0].offered
    assert all(item == (taken, False) for peer in teller.peers for item in peer.pushed)


async def test_a_head_whose_batches_are_here_is_passed_on_at_once(teller: Teller) -> None:
    teller.link(1 + EAGER + 5)
    taken = teller.batch(teller.other)
    await teller.hear(taken)
    head = teller.head(taken)
    await teller.hear_head(head)
    assert len(teller.roots()) == EAGER
    assert not teller.peers[0].origins


async def test_a_head_that_comes_before_its_batches_is_passed_on_with_them(
    teller: Teller,
) -> None:
    teller.link(3)
    first, second = (teller.batch(teller.other, number) for number in range(2))
    await teller.hear_head(teller.head(first, second))
    await teller.hear(first)
    assert teller.roots() == []
    await teller.hear(second)
    head = teller.replicas.get(teller.other.node_id)
    assert head is not None
    assert head.head is not None
    assert teller.roots() == [head.head.root] * 2
    assert not teller.peers[0].origins
    await teller.hear(teller.batch(teller.other, 2))  # it was told, once
    assert len(teller.roots()) == 2


async def test_a_head_whose_batches_do_not_come_is_passed_on_all_the_same(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNSYNCED_S", 0.05)
    teller.link(3)
    await teller.hear_head(teller.head(teller.batch(teller.other)))
    assert teller.roots() == []

    async def told() -> bool:
        return len(teller.roots()) == 2

    await eventually(told, "the head is passed on")
    assert not teller.peers[0].origins
