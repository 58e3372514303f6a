"""What is carried of each origin: expiry, and what brings an origin back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edgenode.core.head import Head
from edgenode.core.records import TEMPERATURE, Update
from edgenode.core.signed import Signed
from edgenode.core.trie import EMPTY
from edgenode.crypto import SigningKey, new_block_hasher
from edgenode.daemon.records import replicas as replicas_module
from edgenode.daemon.records.replicas import EXPIRY_MS, Replicas
from edgenode.daemon.records.signing import Signer, signed_of, stored_head
from edgenode.store import origins as origins_module
from edgenode.store.records import Records
from edgenode.store.state import State
from tests.integration.support.wait import eventually

KEY = SigningKey(bytes(32))
ORIGIN = KEY.public_key.hex()


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms


class Carrier:
    """A node that carries the origin, and what the origin signs."""

    def __init__(self, state: State, clock: Clock) -> None:
        self.clock = clock
        self.records = Records(state.database)
        self.replicas = Replicas(self.records, "test", clock)
        self.signer = Signer("test", KEY, 1, clock)

    def batch(self) -> Signed:
        return signed_of(
            self.signer.batch([Update(TEMPERATURE, new_block_hasher().hexdigest(), None)])
        )

    async def head(self) -> Signed:
        replica = self.replicas.get(ORIGIN)
        assert replica is not None
        return self.signer.head(
            Head(
                batch_epoch=1,
                batch_seq=1,
                floor_epoch=0,
                floor_seq=0,
                root=replica.trie.root(),
                count=len(replica.trie),
            )
        )


@pytest.fixture
async def carrier(tmp_path: Path) -> AsyncIterator[Carrier]:
    state = await State.open(tmp_path / "state.db")
    found = Carrier(state, Clock())
    await found.replicas.open()
    yield found
    await state.close()


async def test_an_origin_expires_and_only_a_new_head_brings_it_back(carrier: Carrier) -> None:
    batch = carrier.batch()
    assert (await carrier.replicas.take([batch])).taken
    old_head, new_head = await carrier.head(), await carrier.head()
    assert await carrier.replicas.take_head(old_head)
    carrier.clock.now_ms += EXPIRY_MS - 1
    assert await carrier.replicas.expire("") == []
    carrier.clock.now_ms += 2
    assert await carrier.replicas.expire("") == [ORIGIN]
    assert await carrier.records.digests(ORIGIN) == []
    assert not await carrier.replicas.take_head(old_head)
    assert not (await carrier.replicas.take([batch])).taken
    again = Replicas(carrier.records, "test", carrier.clock)  # and after a restart
    await again.open()
    for replicas in (again, carrier.replicas):
        assert not (await replicas.take([batch])).taken
        assert replicas.get(ORIGIN) is None
    assert await carrier.replicas.take_head(new_head)
    assert (await carrier.replicas.take([batch])).taken


async def test_we_do_not_expire_ourselves(carrier: Carrier) -> None:
    await carrier.replicas.take([carrier.batch()])
    carrier.clock.now_ms += 2 * EXPIRY_MS
    assert await carrier.replicas.expire(ORIGIN) == []


async def test_what_is_carried_of_one_origin_is_bounded(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = carrier.batch(), carrier.batch()
    size = len(first.payload) + len(first.signature)
    monkeypatch.setattr(replicas_module, "MAX_ORIGIN_BYTES", 2 * size - 1)
    assert (await carrier.replicas.take([first])).taken
    assert not (await carrier.replicas.take([second])).taken


async def test_origins_are_bounded(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas_module, "MAX_ORIGINS", 1)
    assert (await carrier.replicas.take([carrier.batch()])).taken
    other = Signer("test", SigningKey(bytes(31) + b"\1"), 1, carrier.clock)
    row = other.batch([Update(TEMPERATURE, new_block_hasher().hexdigest(), None)])
    assert not (await carrier.replicas.take([signed_of(row)])).taken


def signer_of(number: int, clock: Clock) -> Signer:
    return Signer("test", SigningKey(number.to_bytes(32, "big")), 1, clock)


def signed_by(signer: Signer) -> Signed:
    return signed_of(signer.batch([Update(TEMPERATURE, new_block_hasher().hexdigest(), None)]))


async def test_the_bounds_hold_within_a_group(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [carrier.batch() for _ in range(3)]
    size = len(batches[0].payload) + len(batches[0].signature)
    monkeypatch.setattr(replicas_module, "MAX_ORIGIN_BYTES", 2 * size + 1)
    judged = await carrier.replicas.take(batches)
    assert len(judged.taken) == 2
    assert len(judged.digests) == 3  # what is not carried need not come again
    replica = carrier.replicas.get(ORIGIN)
    assert replica is not None
    monkeypatch.setattr(replicas_module, "MAX_BYTES", replica.bytes + size + size // 2)
    others = [signed_by(signer_of(number, carrier.clock)) for number in (1, 2)]
    assert len((await carrier.replicas.take(others)).taken) == 1


async def test_the_bounds_hold_for_groups_under_way(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas_module, "MAX_ORIGINS", 3)
    groups = [[signed_by(signer_of(2 * n + k, carrier.clock)) for k in (1, 2)] for n in range(3)]
    judged = await asyncio.gather(*(carrier.replicas.take(group) for group in groups))
    assert [len(one.taken) for one in judged] == [2, 1, 0]
    assert len(carrier.replicas.ids()) == 3


async def test_a_batch_that_comes_twice_in_a_group_is_new_once(carrier: Carrier) -> None:
    batch = carrier.batch()
    judged = await carrier.replicas.take([batch, batch])
    assert len(judged.taken) == 1
    assert judged.digests == [carrier.replicas.digest(batch)] * 2


async def test_two_batches_of_one_number_in_a_group(carrier: Carrier) -> None:
    other = Signer("test", KEY, 1, carrier.clock)
    pair = [carrier.batch(), signed_of(other.batch([Update(TEMPERATURE, "cd" * 64, None)]))]
    pair.sort(key=carrier.replicas.digest)  # the higher displaces the one before it
    judged = await carrier.replicas.take(pair)
    assert len(judged.taken) == 2
    assert judged.taken[1].row.digest > judged.taken[0].row.digest
    replica = carrier.replicas.get(ORIGIN)
    assert replica is not None
    assert replica.trie.node("") == ("list", [judged.taken[1].row.digest])


async def test_one_origin_too_many_for_the_store_does_not_cost_the_others_theirs(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    await carrier.replicas.take([carrier.batch()])
    monkeypatch.setattr(origins_module, "MAX_ORIGINS", 1)
    first, second = carrier.batch(), carrier.batch()
    stranger = signed_by(signer_of(1, carrier.clock))
    judged = await carrier.replicas.take([first, stranger, second])
    assert [taken.row.seq for taken in judged.taken] == [first.seq, second.seq]
    assert judged.digests == [carrier.replicas.digest(first), carrier.replicas.digest(second)]
    assert carrier.replicas.get(stranger.node_id) is None
    # and nothing of it counts for ever
    monkeypatch.setattr(origins_module, "MAX_ORIGINS", 2)
    assert (await carrier.replicas.take([stranger])).taken


async def test_floors_of_others_are_durable_in_time_and_ours_at_once(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    commit = carrier.records.commit

    async def counted() -> None:
        commits.append(len(commits))
        await commit()

    monkeypatch.setattr(carrier.records, "commit", counted)
    monkeypatch.setattr(replicas_module, "COMMIT_DELAY_S", 0.05)
    first, second = carrier.batch(), carrier.batch()
    await carrier.replicas.take([first, second])
    digests = [item[2] for item in await carrier.records.digests(ORIGIN)]
    head = Head(batch_epoch=1, batch_seq=2, floor_epoch=1, floor_seq=2, root=digests[1], count=1)
    assert await carrier.replicas.take_head(carrier.signer.head(head))
    assert [item[:2] for item in await carrier.records.digests(ORIGIN)] == [(1, 2)]
    assert commits == []

    async def committed() -> bool:
        return len(commits) == 1

    await eventually(committed, "one commit for all that was told")
    await carrier.replicas.raise_floor(ORIGIN, (1, 3))
    assert len(commits) == 2


async def test_the_last_head_of_a_dropped_origin_is_kept(carrier: Carrier) -> None:
    await carrier.replicas.take([carrier.batch()])
    assert await carrier.records.last_head(ORIGIN) is None
    head = await carrier.head()
    assert await carrier.replicas.take_head(head)
    assert await carrier.records.last_head(ORIGIN) is None  # a round tells it
    carrier.clock.now_ms += EXPIRY_MS + 1
    assert await carrier.replicas.expire("") == [ORIGIN]
    text = await carrier.records.last_head(ORIGIN)
    assert text is not None
    assert stored_head(text).to_data() == head.to_data()
    carrier.clock.now_ms += 1
    newer = carrier.signer.head(
        Head(batch_epoch=1, batch_seq=1, floor_epoch=0, floor_seq=0, root=EMPTY, count=0)
    )
    assert await carrier.replicas.take_head(newer)
    assert await carrier.records.last_head(ORIGIN) is None
    carrier.clock.now_ms += EXPIRY_MS + 1
    await carrier.replicas.expire("")
    carrier.clock.now_ms += replicas_module.FORGET_MS + replicas_module.FORGET_INTERVAL_MS
    await carrier.replicas.expire("")
    assert await carrier.records.last_head(ORIGIN) is None
