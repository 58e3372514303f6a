"""What is carried of each origin: expiry, and what brings an origin back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edgenode.core.head import Head
from edgenode.core.records import TEMPERATURE, Update
from edgenode.core.signed import Signed
from edgenode.crypto import SigningKey, new_block_hasher
from edgenode.daemon import replicas as replicas_module
from edgenode.daemon.replicas import EXPIRY_MS, Replicas
from edgenode.daemon.signing import Signer, signed_of
from edgenode.store.records import Records
from edgenode.store.state import State

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
    assert await carrier.replicas.take(batch) is not None
    old_head, new_head = await carrier.head(), await carrier.head()
    assert await carrier.replicas.take_head(old_head)
    carrier.clock.now_ms += EXPIRY_MS - 1
    assert await carrier.replicas.expire("") == []
    carrier.clock.now_ms += 2
    assert await carrier.replicas.expire("") == [ORIGIN]
    assert await carrier.records.digests(ORIGIN) == []
    assert not await carrier.replicas.take_head(old_head)
    assert await carrier.replicas.take(batch) is None
    again = Replicas(carrier.records, "test", carrier.clock)  # and after a restart
    await again.open()
    for replicas in (again, carrier.replicas):
        assert await replicas.take(batch) is None
        assert replicas.get(ORIGIN) is None
    assert await carrier.replicas.take_head(new_head)
    assert await carrier.replicas.take(batch) is not None


async def test_we_do_not_expire_ourselves(carrier: Carrier) -> None:
    await carrier.replicas.take(carrier.batch())
    carrier.clock.now_ms += 2 * EXPIRY_MS
    assert await carrier.replicas.expire(ORIGIN) == []


async def test_what_is_carried_of_one_origin_is_bounded(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = carrier.batch(), carrier.batch()
    size = len(first.payload) + len(first.signature)
    monkeypatch.setattr(replicas_module, "MAX_ORIGIN_BYTES", 2 * size - 1)
    assert await carrier.replicas.take(first) is not None
    assert await carrier.replicas.take(second) is None


async def test_origins_are_bounded(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas_module, "MAX_ORIGINS", 1)
    assert await carrier.replicas.take(carrier.batch()) is not None
    other = Signer("test", SigningKey(bytes(31) + b"\1"), 1, carrier.clock)
    row = other.batch([Update(TEMPERATURE, new_block_hasher().hexdigest(), None)])
    assert await carrier.replicas.take(signed_of(row)) is None
