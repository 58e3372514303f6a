"""What peers hand over of their own: checked, all or none."""

from collections.abc import Sequence

import pytest

from edgenode.core.advertisement import Advertisement, advertise
from edgenode.core.batch import encode_batch
from edgenode.core.errors import DecodeError
from edgenode.core.records import LOCATION, METADATA, TEMPERATURE, Update
from edgenode.core.request import RequestRefused
from edgenode.core.signed import Signed, sign
from edgenode.crypto import SigningKey
from edgenode.daemon.guard.peerauth import PeerOwn

NETWORK = "main"
KEY = SigningKey(bytes(range(32)))
NODE_ID = KEY.public_key.hex()
OTHER = SigningKey(bytes(range(32, 64)))
BLOCK, BLOCK_2 = "ab" * 64, "cd" * 64
HOT = Update(TEMPERATURE, BLOCK, {"class": "HOT"})
HELD = Update(LOCATION, BLOCK, {"size": 1})


class PlainRecords:
    """Notes what is taken, and what is advertised."""

    def __init__(self) -> None:
        self.taken: list[Signed] = []
        self.advertisements: list[tuple[str, int, str]] = []
        self.carries = True

    async def take(self, batches: Sequence[Signed], _source: str) -> bool:
        self.taken += batches
        return self.carries

    def advertised(self, advertisement: Advertisement, address: str) -> None:
        self.advertisements.append((advertisement.node_id, advertisement.port, address))


@pytest.fixture
def records() -> PlainRecords:
    return PlainRecords()


@pytest.fixture
def own(records: PlainRecords) -> PeerOwn:
    return PeerOwn(
        network=NETWORK,
        records=records,  # type: ignore[arg-type]
        on_advertised=records.advertised,
    )


def batch(*updates: Update, key: SigningKey = KEY, network: str = NETWORK) -> Signed:
    return signed("batch", encode_batch("b", 1, updates), key, network)


def signed(context: str, payload: str, key: SigningKey = KEY, network: str = NETWORK) -> Signed:
    return sign(context, network, key.public_key, 1, 1, 1, payload, key.sign)


async def test_own_batches(own: PeerOwn, records: PlainRecords) -> None:
    told = [batch(HOT, HOT), batch(HOT)]
    assert await own.take(NODE_ID, told, TEMPERATURE, BLOCK) == 3
    assert records.taken == told


@pytest.mark.parametrize(
    ("wrong", "code", "where"),
    [
        (batch(HOT, key=OTHER), "wrong-node", "body.batches[1].nodeId: "),
        (batch(HOT, network="other"), "bad-signature", "body.batches[1].signature: "),
        (signed("head", "{}"), "bad-signature", "body.batches[1].signature: "),
        (signed("batch", "{}"), "malformed", "body.batches[1].payload: batch.batchId: "),
        (batch(HOT, HELD), "malformed", "body.batches[1].payload: batch.updates[1].type: "),
        (
            batch(Update(TEMPERATURE, BLOCK_2, None)),
            "malformed",
            "body.batches[1].payload: batch.updates[0].blockId: ",
        ),
    ],
)
async def test_all_or_none(
    own: PeerOwn, records: PlainRecords, wrong: Signed, code: str, where: str
) -> None:
    with pytest.raises((RequestRefused, DecodeError)) as caught:
        await own.take(NODE_ID, [batch(HOT), wrong], TEMPERATURE, BLOCK)
    assert caught.value.code == code
    assert str(caught.value).startswith(where)
    assert not records.taken


async def test_any_block_where_none_is_named(own: PeerOwn) -> None:
    words = [Update(METADATA, block_id, None) for block_id in (BLOCK, BLOCK_2)]
    assert await own.take(NODE_ID, [batch(*words)], METADATA, None) == 2


async def test_nothing(own: PeerOwn) -> None:
    with pytest.raises(DecodeError, match="at least one"):
        await own.take(NODE_ID, [], METADATA, None)


async def test_what_is_not_carried(own: PeerOwn, records: PlainRecords) -> None:
    records.carries = False
    with pytest.raises(RequestRefused) as caught:
        await own.take(NODE_ID, [batch(HOT)], TEMPERATURE, None)
    assert caught.value.code == "not-carried"


def advertisement(key: SigningKey = KEY, network: str = NETWORK) -> Signed:
    said = Advertisement(key.public_key.hex(), "192.0.2.99", 4321, [], "0")
    return advertise(said, network, 1, 1, 1, key.sign)


async def test_an_advertisement_is_told_with_where_it_came_from(
    own: PeerOwn, records: PlainRecords
) -> None:
    answer = await own.advertised(NODE_ID, advertisement(), "198.51.100.7")
    assert answer == {"address": "198.51.100.7", "port": 4321}
    assert records.advertisements == [(NODE_ID, 4321, "198.51.100.7")]


async def test_advertisements_of_others_and_forged_ones(
    own: PeerOwn, records: PlainRecords
) -> None:
    for told, code in (
        (advertisement(OTHER), "wrong-node"),
        (advertisement(network="other"), "bad-signature"),
        (signed("batch", advertisement().payload), "bad-signature"),
    ):
        with pytest.raises(RequestRefused) as caught:
            await own.advertised(NODE_ID, told, "198.51.100.7")
        assert caught.value.code == code
    with pytest.raises(DecodeError, match=r"^body\.advertisement\.payload: "):
        await own.advertised(NODE_ID, signed("advertisement", "{}"), "198.51.100.7")
    assert not records.advertisements
