"""Records on a real wire: each event as a peer sees it, and what a peer may not say."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from edgenode.core.events import HAVE, Announce, BlockSync
from edgenode.core.inbound import Leave, Ping, Pong
from edgenode.core.message import BLOCK_LOCATION, BLOCK_TEMPERATURE, METADATA_SYNC, METADATA_UPDATE
from edgenode.core.records import LOCATION, METADATA, Update
from edgenode.core.signed import Signed, digest
from edgenode.core.strictjson import encode
from edgenode.core.syncevents import Batches, NodeStatus, OriginStatus
from edgenode.core.triesync import AckBatches, AskNode, NodeList, WantBatches
from edgenode.crypto import digest16
from edgenode.link.handshake import LocalIdentity
from tests.integration.support.node import NETWORK
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import TIMESTAMP_MS, Peer, refusal
from tests.integration.support.records import (
    QUICK,
    Origin,
    seen_at,
    set_class,
    set_metadata,
    some_id,
    tell,
    tell_status,
    warm,
)
from tests.integration.support.target import Target

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLOOD = 3000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with Nodes(tmp_path_factory.mktemp("wire")) as nodes:
        node = await nodes.start("node", more_config=QUICK)
        friend = await Peer.link(nodes.session, node.ws_url)
        yield Target(nodes.session, node, friend, await node.rest.post(b"for everyone"))
        await friend.socket.close()


def digest_of(batch: Signed) -> bytes:
    return digest(batch, "batch", NETWORK, digest16)


def altered(
    batch: Signed,
    *,
    node_id: str | None = None,
    payload: str | None = None,
    epoch: int = 0,
    signature: bytes = b"",
) -> Signed:
    """Return a batch with something else in it."""
    return Signed(
        node_id or batch.node_id,
        epoch or batch.epoch,
        batch.seq,
        batch.timestamp_ms,
        payload or batch.payload,
        signature or batch.signature,
    )


async def heard_batch(peer: Peer, event: str, origin: str) -> Signed:
    """Return a batch of `origin` that comes in `event`."""
    while True:
        told = await peer.hear_of(Batches)
        for batch in told.batches:
            if told.event == event and batch.node_id == origin:
                return batch


async def acknowledged(peer: Peer, *batches: Signed) -> None:
    """Wait until the node has taken over all of these."""
    missing = {digest_of(batch) for batch in batches}
    while missing:
        missing -= set((await peer.hear_of(AckBatches)).digests)


async def leave(target: Target, peer: Peer) -> None:
    """The node answers `peer` still; then leave in good order."""
    await peer.pong()
    await peer.socket.close()
    await target.node.logged(f"link with {peer.node_id} .* ended")


async def test_each_event_is_seen(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with Nodes(tmp_path_factory.mktemp("events")) as made:
        node = await made.start("node", more_config=QUICK)
        me = Origin()
        peer = await Peer.link(made.session, node.ws_url, me.identity)
        assert (await peer.hear_of(Announce)).ws_port == node.ws_port
        while not (await peer.hear_of(NodeStatus)).last:
            pass  # its own head may come by itself, before the round

        await tell_status(peer, last=True)  # nothing is signed before a peer has said so much
        await set_class(node, some_id("seen"), "HOT")
        await heard_batch(peer, BLOCK_TEMPERATURE, node.node_id)
        held = await node.rest.post(b"a block")
        await heard_batch(peer, METADATA_UPDATE, node.node_id)
        status, _ = await node.rest.write(f"/blocks/{held}/location", {"held": True})
        assert status == 200
        await heard_batch(peer, BLOCK_LOCATION, node.node_id)

        await tell(peer, [batch := me.batch(warm("seen"))])
        assert (await peer.hear_of(AckBatches)).digests == [digest_of(batch)]

        await peer.want(held, 1, 0, 0)
        sync = await peer.hear_of(BlockSync)
        assert (sync.op, sync.block_id, sync.size) == (HAVE, held, len(b"a block"))

        await peer.say("system:ping", {"nonce": 5})
        assert (await peer.hear_of(Pong)).nonce == 5
        again = LocalIdentity(NETWORK, me.key.public_key, me.key.sign)
        clone = asyncio.create_task(Peer.link(made.session, node.ws_url, again))
        ping = await peer.hear_of(Ping)
        await peer.say("system:pong", {"nonce": ping.nonce})
        assert await (await clone).ending() == refusal("clone")

        stopping = asyncio.create_task(node.stop())
        assert (await peer.hear_of(Leave)).reason == "stopping"
        assert await peer.ending() == refusal("bye")
        await stopping


async def test_batches_of_anyone_are_taken_acknowledged_and_passed_on(target: Target) -> None:
    origin = Origin()
    peer = await Peer.link(target.session, target.url)
    sent = [
        origin.batch(warm("passed on")),
        origin.batch(Update(LOCATION, some_id("passed on"), {"size": 5})),
        origin.batch(Update(METADATA, some_id("passed on"), {"user": {"a": "b"}})),
    ]
    for batch, event in zip(
        sent, (BLOCK_TEMPERATURE, BLOCK_LOCATION, METADATA_UPDATE), strict=True
    ):
        await tell(peer, [batch], event)
        passed = await heard_batch(target.friend, event, origin.node_id)
        assert passed.to_data() == batch.to_data()
    await acknowledged(peer, *sent)
    found = await target.node.rest.metadata(some_id("passed on"))
    assert found is not None
    assert found["temperature"]["class"] == "WARM"
    assert [item["nodeId"] for item in found["locations"]] == [origin.node_id]
    assert found["user"] == {"a": "b"}
    await leave(target, peer)


async def test_batch_that_is_here_already_is_acknowledged_and_not_passed_on(
    target: Target,
) -> None:
    origin = Origin()
    peer = await Peer.link(target.session, target.url)
    first = origin.batch(warm("twice"))
    for _ in range(3):
        await tell(peer, [first])
        await acknowledged(peer, first)
    after = origin.batch(warm("after"))
    await tell(peer, [after])
    await acknowledged(peer, after)
    passed = [await heard_batch(target.friend, BLOCK_TEMPERATURE, origin.node_id) for _ in "12"]
    assert [batch.seq for batch in passed] == [first.seq, after.seq]
    await leave(target, peer)


def _by_another(batch: Signed) -> Signed:
    return altered(batch, node_id=Origin().node_id)


def _altered_payload(batch: Signed) -> Signed:
    return altered(batch, payload=batch.payload.replace("WARM", "COLD"))


def _another_number(batch: Signed) -> Signed:
    return altered(batch, epoch=batch.epoch + 1)


def _one_bit(batch: Signed) -> Signed:
    return altered(batch, signature=bytes((batch.signature[0] ^ 1,)) + batch.signature[1:])


def _zeros(batch: Signed) -> Signed:
    return altered(batch, signature=bytes(64))


def _as_head(batch: Signed) -> Signed:
    return Origin().signed(batch.payload, context="head")


def _of_another_network(batch: Signed) -> Signed:
    return Origin().signed(batch.payload, network="another")


@pytest.mark.parametrize(
    "forge",
    [
        _by_another,
        _altered_payload,
        _another_number,
        _one_bit,
        _zeros,
        _as_head,
        _of_another_network,
    ],
)
async def test_batch_that_its_origin_did_not_sign(
    target: Target, forge: Callable[[Signed], Signed]
) -> None:
    origin = Origin()
    block = some_id(f"forged {forge.__name__}")
    peer = await Peer.link(target.session, target.url)
    good = origin.batch(warm(f"good {forge.__name__}"))
    await tell(peer, [good, forge(origin.batch(warm(f"forged {forge.__name__}")))])
    assert await peer.ending() == refusal("bad-signature")
    await target.node.logged(f"link with {peer.node_id} .* ended: bad-signature")
    # What was good before it is kept; of the other nothing is.
    assert await target.node.rest.metadata(some_id(f"good {forge.__name__}")) is not None
    assert await target.node.rest.metadata(block) is None
    other = await Peer.link(target.session, target.url)  # others are heard still
    await tell(other, [batch := origin.batch(warm("others"))])
    await acknowledged(other, batch)
    await leave(target, other)


async def test_head_that_its_origin_did_not_sign(target: Target) -> None:
    origin = Origin()
    peer = await Peer.link(target.session, target.url)
    head = altered(origin.head(), epoch=2)
    await tell_status(peer, OriginStatus(origin.node_id, head, bytes(16), 0))
    assert await peer.ending() == refusal("bad-signature")
    await target.node.logged(f"link with {peer.node_id} .* ended: bad-signature")


def _payload(updates: object, **more: object) -> str:
    fields = {"batchId": "b", "timestamp": TIMESTAMP_MS, "updates": updates, **more}
    return encode(fields).decode()


def _many(count: int) -> list[object]:
    return [warm(f"over {number}").to_data() for number in range(count)]


_LONG_USER = {f"{key:02}": "é" * 256 for key in range(16)}


@pytest.mark.parametrize(
    "payload",
    [
        _payload(_many(101)),
        _payload([]),
        _payload(_many(1), batchId="b" * 65),
        _payload(_many(1), timestamp=-1),
        _payload(
            [{"type": "METADATA", "blockId": some_id("over 0"), "data": {"user": _LONG_USER}}]
        ),
        _payload(
            [{"type": "TEMPERATURE", "blockId": some_id("over 0"), "data": {"class": "TEPID"}}]
        ),
        _payload([{"type": "LOCATION", "blockId": some_id("over 0"), "data": {"size": 0}}]),
        _payload([{"type": "LOCATION", "blockId": "../../node.key", "data": None}]),
        "[]",
        "{}",
        "not JSON",
        '{"batchId":"b","batchId":"b"}',
        "[" * 1000,
        "",
    ],
    ids=lambda value: f"{value[:12]}…{len(value)}",
)
async def test_malformed_batch_under_a_good_signature_is_dropped(
    target: Target, payload: str
) -> None:
    """Whoever passed it on is not to blame: the link stays, and all else is heard."""
    origin = Origin()
    peer = await Peer.link(target.session, target.url)
    good = origin.batch(warm("beside"))
    await tell(peer, [origin.signed(payload), good])
    await acknowledged(peer, good)
    assert await target.node.rest.metadata(some_id("over 0")) is None
    await leave(target, peer)


async def test_envelope_over_its_bounds_is_malformed(target: Target) -> None:
    """No honest node can have taken one that it passes on: it is the sender's own fault."""
    origin = Origin()
    long = _payload(_many(1), more="x" * (32 * 1024))
    good = origin.batch(warm("beside"))
    for batches in ([origin.signed(long)], [], [good] * 129):
        peer = await Peer.link(target.session, target.url)
        data: dict[str, object] = {"batches": [batch.to_data() for batch in batches]}
        await peer.say(METADATA_UPDATE, data)
        assert await peer.ending() == refusal("malformed")
        await target.node.logged(f"link with {peer.node_id} .* ended: malformed")


async def test_batch_of_exactly_its_bounds_is_taken(target: Target) -> None:
    origin = Origin()
    peer = await Peer.link(target.session, target.url)
    size = len(_payload(_many(100), more=""))
    batch = origin.signed(_payload(_many(100), more="x" * (32 * 1024 - size)))
    assert len(batch.payload) == 32 * 1024
    await tell(peer, [batch])
    await acknowledged(peer, batch)
    found = await target.node.rest.metadata(some_id("over 99"))
    assert found is not None
    assert found["temperature"]["origins"] == [{"nodeId": origin.node_id, "class": "WARM"}]
    withdrawn = origin.batch(
        *(Update("TEMPERATURE", some_id(f"over {n}"), None) for n in range(100))
    )
    await tell(peer, [withdrawn])
    await acknowledged(peer, withdrawn)
    await leave(target, peer)


async def test_what_a_later_version_may_say_is_ignored(target: Target) -> None:
    origin = Origin()
    peer = await Peer.link(target.session, target.url)
    block = some_id("later")
    update = {**warm("later").to_data(), "later": [1]}
    update["data"] = {"class": "HOT", "why": "because"}
    strange = {"type": "LATER", "blockId": {"no": "id"}, "data": 7}
    batch = origin.signed(_payload([strange, update], later={}))
    envelope = {**batch.to_data(), "later": True}
    await peer.say(METADATA_UPDATE, {"batches": [envelope], "later": None})
    await acknowledged(peer, batch)
    found = await target.node.rest.metadata(block)
    assert found is not None
    assert found["temperature"]["class"] == "HOT"
    # What is passed on is what was signed, with what is not understood here.
    passed = await heard_batch(target.friend, BLOCK_TEMPERATURE, origin.node_id)
    assert passed.payload == batch.payload

    only_later = origin.signed(_payload([strange]))
    await tell(peer, [only_later])
    await acknowledged(peer, only_later)
    await heard_batch(target.friend, METADATA_UPDATE, origin.node_id)
    await peer.say(METADATA_SYNC, {"op": "later", "more": [1]})
    await leave(target, peer)


async def test_own_batches_are_told_again_until_acknowledged(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    await set_class(target.node, some_id("told again"), "HOT")
    first = await heard_batch(peer, BLOCK_TEMPERATURE, target.node.node_id)
    again = await heard_batch(peer, BLOCK_TEMPERATURE, target.node.node_id)
    assert digest_of(first) == digest_of(again)
    await peer.say(METADATA_SYNC, AckBatches([digest_of(first)]).to_data())
    await peer.pong()  # it is not told after that
    await set_metadata(target.node, some_id("told again"), {"user": {"a": "b"}})
    while True:
        told = await peer.hear_of(Batches)
        assert digest_of(told.batches[0]) != digest_of(first)
        if told.event == METADATA_UPDATE:
            break
    await leave(target, peer)


async def test_node_asks_for_what_a_peer_says_it_has(target: Target) -> None:
    """A round with a peer that carries an origin which the node has never heard of."""
    origin = Origin()
    batches = [origin.batch(warm(f"asked for {number}")) for number in range(3)]
    digests = [digest_of(batch) for batch in batches]
    head = origin.head(digests)
    peer = await Peer.link(target.session, target.url)
    root = bytes.fromhex(str(head.payload).split('"root":"')[1][:32])
    await tell_status(peer, OriginStatus(origin.node_id, head, root, 3), last=True)
    ask = await peer.hear_of(AskNode)
    assert (ask.origin, ask.prefix) == (origin.node_id, "")
    items = [(batch.epoch, batch.seq, digest_of(batch)) for batch in batches]
    await peer.say(METADATA_SYNC, NodeList(origin.node_id, "", items).to_data())
    want = await peer.hear_of(WantBatches)
    assert sorted(want.items) == [(1, 1), (1, 2), (1, 3)]
    await tell(peer, batches)
    await acknowledged(peer, *batches)
    await seen_at(target.node, some_id("asked for 2"), bool)

    # And answers alike.
    await peer.say(METADATA_SYNC, AskNode(origin.node_id, "").to_data())
    answer = await peer.hear_of(NodeList)
    assert sorted(answer.items) == sorted(items)
    await peer.say(METADATA_SYNC, WantBatches(origin.node_id, [(1, 2), (7, 7)]).to_data())
    (sent,) = (await peer.hear_of(Batches)).batches
    assert sent.to_data() == batches[1].to_data()
    await leave(target, peer)


async def test_flood_of_questions_does_no_harm(target: Target) -> None:
    origin = Origin()
    peer = await Peer.link(target.session, target.url)
    batches = [origin.batch(warm(f"flood {number}")) for number in range(60)]
    await tell(peer, batches)
    await acknowledged(peer, *batches)

    async def listen() -> None:
        while not isinstance(await peer.hear(), Ping):
            pass

    listening = asyncio.create_task(listen())
    wanted = WantBatches(origin.node_id, [(1, number) for number in range(1, 61)])
    for number in range(FLOOD):
        question = AskNode(origin.node_id, "") if number % 2 else wanted
        await peer.say(METADATA_SYNC, question.to_data())
        if number % 500 == 0:
            await asyncio.wait_for(target.friend.pong(), 2.0)
            answer = await target.node.rest.get(target.block_id, local=True, total_s=2.0)
            assert answer.status == 200
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await peer.socket.close()
    await target.node.logged(f"link with {peer.node_id} .* ended")


async def test_questions_of_one_who_never_reads_cost_only_his_link(target: Target) -> None:
    origin = Origin()
    peer = await Peer.link(target.session, target.url)
    batches = [origin.batch(warm(f"unread {number}")) for number in range(60)]
    await tell(peer, batches)
    await acknowledged(peer, *batches)
    wanted = WantBatches(origin.node_id, [(1, number) for number in range(1, 61)])
    for _ in range(FLOOD):
        await peer.say(METADATA_SYNC, wanted.to_data())
    await asyncio.wait_for(target.friend.pong(), 2.0)
    await set_class(target.node, some_id("meanwhile"), "HOT")
    await heard_batch(target.friend, BLOCK_TEMPERATURE, target.node.node_id)
    await peer.socket.close()
    await target.node.logged(f"link with {peer.node_id} .* ended")
