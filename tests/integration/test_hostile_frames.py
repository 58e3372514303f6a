"""What a linked peer may not send: its link ends with the reason, others go on being served."""

import asyncio

import pytest

from edgenode.core.events import HAVE, LACK, BlockSync
from edgenode.core.frame import END, MESSAGE, encode_chunk
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.hello import MAX_FRAME_BYTES
from edgenode.core.inbound import Chunk
from edgenode.core.message import ANNOUNCE, BLOCK_SYNC, PING, encode_message
from edgenode.crypto import SEAL_OVERHEAD_BYTES, random_bytes
from edgenode.daemon.blocks.serving import MAX_WANTS
from tests.integration.support.files import block_id
from tests.integration.support.peer import TIMESTAMP_MS, Peer, refusal
from tests.integration.support.target import Target

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN_KIND = 9
SOME_ID = "0" * 128
DEEP = "[" * 1000 + "]" * 1000


async def ending(target: Target, peer: Peer) -> tuple[str, int]:
    """Return how the node ends the link with `peer`, once it has forgotten it."""
    end = await peer.ending()
    await target.node.logged(f"link with {peer.node_id} .* ended: {end[0] or 'frame-too-large'}")
    return end


async def still_linked(target: Target, peer: Peer) -> None:
    """The node answers `peer` still; then leave in good order."""
    await peer.pong()
    await peer.socket.close()
    await target.node.logged(f"link with {peer.node_id} .* ended")


def text(peer: Peer, data: str = '{"nonce":1}', *, type_: str = PING, more: str = "") -> bytes:
    return (
        f'{{"type":"{type_}","data":{data},"timestamp":{TIMESTAMP_MS},'
        f'"sender":"{peer.node_id}"{more}}}'
    ).encode()


async def test_sealed_frame_altered(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    frame = bytearray(peer.seal(encode_frame(text(peer))))
    frame[len(frame) // 2] ^= 1
    await peer.socket.send_bytes(bytes(frame))
    assert await ending(target, peer) == refusal("bad-seal")


async def test_sealed_frame_replayed(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    frame = peer.seal(encode_frame(text(peer)))
    await peer.socket.send_bytes(frame)
    await peer.socket.send_bytes(frame)
    assert await ending(target, peer) == refusal("bad-seal")


async def test_sealed_frames_out_of_order(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    first, second = (peer.seal(encode_frame(text(peer))) for _ in range(2))
    await peer.socket.send_bytes(second)
    await peer.socket.send_bytes(first)
    assert await ending(target, peer) == refusal("bad-seal")


async def test_sealed_frame_of_another_link(target: Target) -> None:
    other = await Peer.link(target.session, target.url)
    peer = await Peer.link(target.session, target.url)
    frame = other.seal(encode_frame(text(other)))
    await peer.socket.send_bytes(frame)
    assert await ending(target, peer) == refusal("bad-seal")
    await other.socket.send_bytes(frame)
    await still_linked(target, other)


@pytest.mark.parametrize("length", [0, 1, 16, 17, 1000])
async def test_garbage_for_a_sealed_frame(target: Target, length: int) -> None:
    peer = await Peer.link(target.session, target.url)
    await peer.socket.send_bytes(random_bytes(length))
    assert await ending(target, peer) == refusal("bad-seal")


async def test_frame_in_the_clear(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    await peer.socket.send_str(text(peer).decode())
    assert await ending(target, peer) == refusal("protocol-violation")


async def test_frame_of_exactly_the_limit_and_over(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    most = bytes((UNKNOWN_KIND,)) + bytes(MAX_FRAME_BYTES - SEAL_OVERHEAD_BYTES - 1)
    await peer.send(most)
    await peer.pong()
    await peer.send(most + b"\0")
    _, code = await ending(target, peer)
    assert code == refusal("frame-too-large")[1]


@pytest.mark.parametrize(
    ("data", "type_", "more"),
    [
        (DEEP, PING, ""),
        ('{"nonce":1,"deep":' + DEEP + "}", PING, ""),
        ('{"nonce":1}', "later:event", ',"deep":' + DEEP),
        ('{"nonce":1,"nonce":1}', PING, ""),
        ('{"nonce":1}', PING, ',"type":"system:ping"'),
        ('{"nonce":-1}', PING, ""),
        ('{"nonce":4294967296}', PING, ""),
        ('{"nonce":1.5}', PING, ""),
        ('{"nonce":"1"}', PING, ""),
        ("{}", PING, ""),
        ("1", PING, ""),
        ('{"nonce":1', PING, ""),
        (
            '{"op":"want","blockId":"../../node.key","fetchId":1,"offset":0,"length":9}',
            BLOCK_SYNC,
            "",
        ),
        (
            f'{{"op":"want","blockId":"{SOME_ID}","fetchId":1,"offset":0,"length":262145}}',
            BLOCK_SYNC,
            "",
        ),
        (
            f'{{"op":"want","blockId":"{SOME_ID}","fetchId":1,"offset":-1,"length":1}}',
            BLOCK_SYNC,
            "",
        ),
        (f'{{"op":"have","blockId":"{SOME_ID}","fetchId":1,"size":0}}', BLOCK_SYNC, ""),
        ('{"version":"1","wsPort":65536,"capabilities":[],"region":""}', ANNOUNCE, ""),
        ("{}", "x" * 65, ""),
    ],
    ids=lambda value: f"{value[:24]}…{len(value)}",
)
async def test_malformed_message(target: Target, data: str, type_: str, more: str) -> None:
    peer = await Peer.link(target.session, target.url)
    await peer.send(encode_frame(text(peer, data, type_=type_, more=more)))
    assert await ending(target, peer) == refusal("malformed")


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        bytes((MESSAGE,)),
        bytes((MESSAGE,)) + b"\xff\xfe",
        encode_chunk(1, 0, b""),
        encode_chunk(1, 0, bytes(64 * 1024 + 1)),
    ],
    ids=len,
)
async def test_malformed_frame(target: Target, plaintext: bytes) -> None:
    peer = await Peer.link(target.session, target.url)
    await peer.send(plaintext)
    assert await ending(target, peer) == refusal("malformed")


async def test_sender_that_is_not_the_peer(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    message = encode_message(PING, {"nonce": 1}, TIMESTAMP_MS, target.friend.node_id)
    await peer.send(encode_frame(message))
    assert await ending(target, peer) == refusal("protocol-violation")


async def test_end_without_the_final_tag(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    await peer.send(bytes((END,)) + b"bye")
    assert await ending(target, peer) == refusal("protocol-violation")


async def test_what_a_later_version_may_say_is_ignored(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    await peer.send(bytes((UNKNOWN_KIND,)) + b"content")
    await peer.say("later:event", {"a": [1, {"b": None}]})
    await peer.say(BLOCK_SYNC, {"op": "later", "more": True})
    await peer.send(encode_frame(text(peer, '{"nonce":1,"later":[1]}', more=',"later":{}')))
    await still_linked(target, peer)


async def test_chunks_and_answers_that_nobody_asked_for_are_dropped(target: Target) -> None:
    peer = await Peer.link(target.session, target.url)
    data = random_bytes(64 * 1024)
    for number in range(50):
        await peer.send(encode_chunk(number, 0, data))
        for sync in (
            BlockSync(HAVE, block_id(data), number, size=len(data)),
            BlockSync(LACK, block_id(data), number, reason="not-held"),
        ):
            await peer.say(BLOCK_SYNC, sync.to_data())
    await peer.pong()
    assert (await target.node.rest.get(block_id(data), local=True)).status == 404
    incoming = target.node.data_dir / "blocks" / "incoming"
    assert list(incoming.iterdir()) == []
    await still_linked(target, peer)


async def test_wants_out_of_the_block(target: Target) -> None:
    size = len(b"for everyone")
    peer = await Peer.link(target.session, target.url)
    for offset, length in ((0, size + 1), (size, 1), (2**53 - 1, 1)):
        await peer.want(target.block_id, 5, offset, length)
        answer = await peer.hear_of(BlockSync)
        assert (answer.op, answer.reason, answer.fetch_id) == (LACK, "out-of-range", 5)
    await peer.want(target.block_id, 6, 4, 8)
    chunk = await peer.hear_of(Chunk)
    assert (chunk.fetch_id, chunk.offset, chunk.data) == (6, 4, b"everyone")
    await peer.want(SOME_ID, 7, 0, 0)
    answer = await peer.hear_of(BlockSync)
    assert (answer.op, answer.reason) == (LACK, "not-held")
    await still_linked(target, peer)


async def test_flood_of_wants_is_answered_with_busy(target: Target) -> None:
    data = random_bytes(256 * 1024)
    held = await target.node.rest.post(data)
    peer = await Peer.link(target.session, target.url)
    count = 3 * MAX_WANTS
    answers: dict[int, int] = {}
    busy = 0

    async def listen() -> None:
        nonlocal busy
        while sum(size == len(data) for size in answers.values()) + busy < count:
            record = await peer.hear()
            if isinstance(record, Chunk):
                answers[record.fetch_id] = answers.get(record.fetch_id, 0) + len(record.data)
            elif isinstance(record, BlockSync):
                assert (record.op, record.reason) == (LACK, "busy")
                busy += 1

    listening = asyncio.create_task(listen())
    for number in range(count):
        await peer.want(held, number, 0, len(data))
    await target.friend.pong()
    await listening
    assert busy > 0
    assert len(answers) >= MAX_WANTS
    await still_linked(target, peer)


async def test_peer_that_asks_and_never_reads_loses_its_link(target: Target) -> None:
    """What waits for it is bounded, whatever it asks for."""
    peer = await Peer.link(target.session, target.url)
    seen = len(target.node.lines)

    async def ask() -> None:
        number = 0
        while True:
            await peer.say(PING, {"nonce": number})
            number += 1

    asking = asyncio.create_task(ask())
    await target.friend.pong()
    await target.node.logged(f"link with {peer.node_id} .* ended: too-slow", since=seen)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await peer.socket.close()
