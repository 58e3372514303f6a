"""One link: order, bounds, life and end."""

import asyncio

import pytest

from edgenode.core.errors import ProtocolError
from edgenode.link.link import (
    BULK_QUEUED_BYTES,
    MAX_QUEUED_BYTES,
    MAX_QUEUED_FRAMES,
    PONG_TIMEOUT_S,
    SEND_TIMEOUT_S,
    SILENCE_S,
)
from edgenode.link.socket import CLOSE_TIMEOUT_S, SocketClosed
from tests.unit.link.conftest import PING, Pair


def nothing(_frame: bytes) -> None:
    pass


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_frames_arrive_in_order_and_the_end_has_its_reason(pair: Pair) -> None:
    got: list[bytes] = []
    far = asyncio.create_task(pair.far.run(got.append))
    near = asyncio.create_task(pair.near.run(nothing))
    sent = [b"\x01%d" % number for number in range(100)]
    for frame in sent:
        pair.near.post(frame)
    pair.near.close("bye")
    assert await far == "bye"
    assert await near == "bye"
    assert got == sent
    await pair.near.ended()
    await pair.far.ended()


async def test_both_ends_have_their_addresses(pair: Pair) -> None:
    assert (pair.near.remote_address, pair.near.local_address) == ("192.0.2.7", "192.0.2.8")


@pytest.mark.parametrize("reason", ["duplicate", "clone", "busy"])
async def test_the_peer_is_told_why(pair: Pair, reason: str) -> None:
    far = asyncio.create_task(pair.far.run(nothing))
    pair.near.close(reason)
    assert await pair.near.run(nothing) == reason
    assert await far == reason


async def test_a_cut_is_not_an_end(pair: Pair) -> None:
    pair.far_socket.cut()
    assert await pair.far.run(nothing) == "cut"


async def test_an_error_of_the_receiver_ends_the_link_with_its_code(pair: Pair) -> None:
    def refuse(_frame: bytes) -> None:
        raise ProtocolError("protocol-violation", "no")

    far = asyncio.create_task(pair.far.run(refuse))
    pair.near.post(b"\x01")
    assert await pair.near.run(nothing) == "protocol-violation"
    assert await far == "protocol-violation"


async def test_a_sealed_frame_that_was_altered_ends_the_link(pair: Pair) -> None:
    await pair.near_socket.send_bytes(bytes(40))
    assert await pair.far.run(nothing) == "bad-seal"


async def test_an_overflowing_queue_costs_the_peer_its_link(pair: Pair) -> None:
    for _ in range(MAX_QUEUED_FRAMES):
        pair.near.post(b"\x01")
    pair.near.post(b"\x01")
    assert await pair.near.run(nothing) == "too-slow"


async def test_a_queue_of_too_many_bytes_does_so_too(pair: Pair) -> None:
    pair.near.post(bytes(MAX_QUEUED_BYTES))
    pair.near.post(b"\x01")
    assert await pair.near.run(nothing) == "too-slow"


async def test_bulk_waits_for_room_and_leaves_some(pair: Pair) -> None:
    pair.near.post(bytes(BULK_QUEUED_BYTES + 1))
    bulk = asyncio.create_task(pair.near.send(b"\x02bulk"))
    await asyncio.sleep(0)
    assert not bulk.done()
    pair.near.post(b"\x01said at once")
    got: list[bytes] = []
    far = asyncio.create_task(pair.far.run(got.append))
    near = asyncio.create_task(pair.near.run(nothing))
    await bulk
    pair.near.close("bye")
    await asyncio.gather(near, far)
    assert [frame[:1] for frame in got] == [b"\x00", b"\x01", b"\x02"]


async def test_bulk_ends_with_the_link(pair: Pair) -> None:
    pair.near.post(bytes(BULK_QUEUED_BYTES + 1))
    bulk = asyncio.create_task(pair.near.send(b"\x02"))
    await asyncio.sleep(0)
    pair.near.close("bye")
    with pytest.raises(SocketClosed):
        await bulk


async def test_a_silent_peer_is_asked_and_then_given_up(pair: Pair) -> None:
    begun = now()
    assert await pair.near.run(nothing) == "too-slow"
    assert SILENCE_S + PONG_TIMEOUT_S <= now() - begun <= SILENCE_S + PONG_TIMEOUT_S + 3
    assert len(pair.near_socket.sent) == 2  # the ping, and the end


async def test_any_frame_is_a_sign_of_life(pair: Pair) -> None:
    def answer(frame: bytes) -> None:
        if frame == PING:
            pair.far.post(b"\x01anything")

    far = asyncio.create_task(pair.far.run(answer))
    near = asyncio.create_task(pair.near.run(nothing))
    await asyncio.sleep(10 * SILENCE_S)
    assert not near.done()
    assert await pair.near.probe(1.0)
    pair.near.close("bye")
    await asyncio.gather(near, far)


async def test_a_probe_of_a_dead_peer_fails_in_time(pair: Pair) -> None:
    near = asyncio.create_task(pair.near.run(nothing))
    begun = now()
    assert not await pair.near.probe(3.0)
    assert now() - begun == pytest.approx(3.0)
    pair.near.close("cut")
    await near


async def test_a_peer_that_takes_nothing_is_given_up(pair: Pair) -> None:
    pair.near_socket.taken.clear()
    near = asyncio.create_task(pair.near.run(nothing))
    begun = now()
    pair.near.post(b"\x01")
    await near
    assert now() - begun <= SEND_TIMEOUT_S + 2 * CLOSE_TIMEOUT_S


async def test_closing_a_link_to_a_peer_that_takes_nothing_has_a_deadline(pair: Pair) -> None:
    pair.near_socket.taken.clear()
    near = asyncio.create_task(pair.near.run(nothing))
    pair.near.post(b"\x01")
    await asyncio.sleep(0)
    begun = now()
    pair.near.close("bye")
    await near
    assert now() - begun <= 2 * CLOSE_TIMEOUT_S
