"""All links together may keep so much waiting; whoever takes least pays for it."""

import asyncio

from edgenode.link.backlog import MAX_BYTES, Backlog
from edgenode.link.link import MAX_QUEUED_BYTES

from .conftest import Pair, identity
from .test_link import nothing

FULL = MAX_BYTES // MAX_QUEUED_BYTES
"""As many links as may be as far behind as one may be."""


def pairs(count: int, backlog: Backlog) -> list[Pair]:
    own = identity(255)
    return [Pair(own, identity(number), backlog) for number in range(count)]


async def test_the_fullest_link_ends_when_all_together_are_too_much() -> None:
    backlog = Backlog()
    slow = pairs(FULL + 5, backlog)
    *others, last = slow
    for pair in others[:FULL]:
        pair.near.post(bytes(MAX_QUEUED_BYTES - 1000))
    fullest = others[3].near
    fullest.post(bytes(500))
    assert not [pair for pair in slow if pair.near.is_ending]
    last.near.post(bytes(15000))
    assert not fullest.is_ending
    last.near.post(bytes(1000))
    assert [pair for pair in slow if pair.near.is_ending] == [others[3]]
    assert await fullest.run(nothing) == "too-slow"
    assert backlog.bytes == sum(pair.near.queued_bytes for pair in slow) <= MAX_BYTES


async def test_a_link_pays_for_itself_if_it_is_the_fullest() -> None:
    backlog = Backlog()
    for pair in pairs(2 * FULL, backlog):
        pair.near.post(bytes(MAX_QUEUED_BYTES // 2))
    assert backlog.bytes == MAX_BYTES
    (more,) = pairs(1, backlog)
    more.near.post(bytes(MAX_QUEUED_BYTES))
    assert more.near.is_ending
    assert backlog.bytes == MAX_BYTES
    assert more.near.queued_bytes == 0


async def test_what_is_sent_or_dropped_waits_no_longer() -> None:
    backlog = Backlog()
    sent, cut, closed = pairs(3, backlog)
    runs = [asyncio.create_task(end.run(nothing)) for end in (sent.near, sent.far, cut.near)]
    cut.near_socket.taken.clear()
    for pair in (sent, cut, closed):
        for _ in range(3):
            pair.near.post(bytes(1000))
    assert backlog.bytes == 9000
    closed.near.close("too-slow")
    assert backlog.bytes == 6000
    sent.near.close("bye")
    await asyncio.gather(*runs[:2])
    assert backlog.bytes <= 3000
    cut.near.close("bye")
    await runs[2]
    assert backlog.bytes == 0
