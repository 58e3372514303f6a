"""Keeping a configured peer linked, in virtual time."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from edgenode.link.dial import DialFailed, Dialler
from edgenode.link.keep import MAX_RETRY_MS, SLOW_RETRY_MS, StaticPeer, keep_linked
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from tests.unit.link.conftest import Pair, identity

RETRY_MS = 5000
MAX_RETRIES = 3


class Dials:
    """Stands for a dialler: notes when it was asked, and fails or links as it is told."""

    def __init__(self, *errors: str) -> None:
        self.at: list[float] = []
        self._errors = itertools.chain(errors, itertools.repeat(""))
        self.enough = asyncio.Event()

    async def dial(self, _address: str, _port: int) -> Link:
        self.at.append(asyncio.get_running_loop().time())
        if len(self.at) > 20:
            self.enough.set()
        if error := next(self._errors):
            raise DialFailed(error)
        return Pair(identity(1), identity(2)).near

    def gaps(self) -> list[float]:
        return [later - earlier for earlier, later in itertools.pairwise(self.at)]


async def kept(dials: Dials, serve: Callable[[Link], Awaitable[str]]) -> StaticPeer:
    peer = StaticPeer("192.0.2.1", 4242)
    keeping = asyncio.create_task(
        keep_linked(
            peer,
            cast("Dialler", dials),
            LinkTable(identity(1).node_id),
            serve,
            at_once,
            retry_interval_ms=RETRY_MS,
            max_retries=MAX_RETRIES,
        )
    )
    await dials.enough.wait()
    keeping.cancel()
    await asyncio.wait([keeping])
    return peer


async def at_once() -> None:
    pass


async def never(_link: Link) -> str:
    raise AssertionError("no link was made")


async def test_a_peer_that_cannot_be_reached_is_tried_ever_more_seldom() -> None:
    dials = Dials(*["no answer"] * 30)
    peer = await kept(dials, never)
    assert peer.last_error == "no answer"
    gaps = dials.gaps()
    assert all(gap <= MAX_RETRY_MS / 1000 for gap in gaps[:MAX_RETRIES])
    assert sum(gaps[MAX_RETRIES:]) > 3 * SLOW_RETRY_MS / 1000  # 17 of them, with full jitter
    assert all(gap <= SLOW_RETRY_MS / 1000 for gap in gaps)


@pytest.mark.parametrize("reason", ["cut", "bye", "too-slow"])
async def test_links_that_are_cut_soon_do_not_make_it_slower(reason: str) -> None:
    async def serve(_link: Link) -> str:
        return reason

    dials = Dials("no answer", "no answer")
    await kept(dials, serve)
    assert all(gap <= RETRY_MS / 1000 for gap in dials.gaps()[2:])


async def test_a_peer_that_refuses_is_left_in_peace() -> None:
    async def serve(_link: Link) -> str:
        return "busy"

    dials = Dials()
    await kept(dials, serve)
    assert sum(dials.gaps()[MAX_RETRIES:]) > 3 * SLOW_RETRY_MS / 1000


async def test_ourselves_are_dialled_seldom() -> None:
    dials = Dials(*["self: a node reached itself"] * 30)
    await kept(dials, never)
    assert sum(dials.gaps()) > 4 * SLOW_RETRY_MS / 1000
