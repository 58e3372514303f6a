"""Of an id that was retired nothing is taken: batches, heads, or what peers say that they carry."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edgenode.core.batch import encode_batch
from edgenode.core.head import Head, encode_head
from edgenode.core.records import TEMPERATURE, Update
from edgenode.core.signed import Signed, sign
from edgenode.crypto import SigningKey
from edgenode.daemon.records.replicas import Replicas
from edgenode.store.database import Database
from edgenode.store.records import Records

NETWORK = "main"
KEY = SigningKey(bytes(range(32)))
ORIGIN = KEY.public_key.hex()


def signed(context: str, payload: str, seq: int) -> Signed:
    return sign(context, NETWORK, KEY.public_key, 1, seq, 1, payload, KEY.sign)


def batch(seq: int) -> Signed:
    update = Update(TEMPERATURE, f"{seq:0128x}", {"class": "HOT"})
    return signed("batch", encode_batch("b", 1, [update]), seq)


def head(seq: int) -> Signed:
    told = Head(batch_epoch=1, batch_seq=1, floor_epoch=1, floor_seq=0, root=b"\x01" * 16, count=1)
    return signed("head", encode_head(told), seq)


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    database = await Database.open(tmp_path / "state.db")
    yield Records(database)
    await database.close()


async def test_nothing_of_a_retired_id_is_taken(records: Records) -> None:
    retired: set[str] = set()
    replicas = Replicas(records, NETWORK, lambda: 1, retired)
    await replicas.open()
    assert len((await replicas.take([batch(1)])).taken) == 1
    assert await replicas.take_head(head(1))
    retired.add(ORIGIN)
    assert replicas.refuses(ORIGIN)
    judged = await replicas.take([batch(2)])
    assert not judged.taken
    assert judged.refusal is None  # it is no fault of who passes it on
    assert not await replicas.take_head(head(2))
    await replicas.drop(ORIGIN)
    await replicas.drop(ORIGIN)
    assert replicas.ids() == []
    assert await records.of_block(f"{1:0128x}") == []
    assert not await replicas.take_head(head(3))
    assert replicas.ids() == []
