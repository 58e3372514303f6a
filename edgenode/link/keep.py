"""Keeping a configured peer linked: dial, live through the link, back off, dial again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import random

from edgenode.core.backoff import Backoff
from edgenode.link.dial import DialFailed, Dialler
from edgenode.link.link import Link
from edgenode.link.table import LinkTable

# Between two tries at most, while there is hope; and once `max_retries` tries have failed.
MAX_RETRY_MS = 60_000
SLOW_RETRY_MS = 600_000

# How a link ends that was a good one; any other reason is the peer's refusal, or ours.
ENDS = ("bye", "cut", "too-slow")

log = logging.getLogger(__name__)


class StaticPeer:
    """A configured address and what became of it; `node_id` is "" until it was linked once."""

    __slots__ = ("address", "last_error", "node_id", "port")

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port
        self.node_id = ""
        self.last_error = ""


async def keep_linked(
    peer: StaticPeer,
    dialler: Dialler,
    links: LinkTable,
    serve: Callable[[Link], Awaitable[str]],
    turn: Callable[[], Awaitable[None]],
    *,
    retry_interval_ms: int,
    max_retries: int,
) -> None:
    """Keep `peer` linked until cancelled; `serve(link)` lives through a link, returns its end.

    `turn()` returns when one more place that has failed may be dialled.

    The first tries come `retry_interval_ms` apart, growing, with jitter; after `max_retries` that
    failed in a row it goes on slowly rather than giving up.
    """
    backoff = Backoff(retry_interval_ms, MAX_RETRY_MS, random)
    slow = Backoff(SLOW_RETRY_MS, SLOW_RETRY_MS, random)
    failures = 0
    while True:
        existing = links.get(peer.node_id)
        if existing is not None:
            await existing.ended()
            continue
        if failures:
            await turn()
            if links.get(peer.node_id) is not None:
                continue
        error = await _try(peer, dialler, serve)
        if error in ENDS:
            # It was reachable a moment ago: what came before counts no more.
            failures = 0
            backoff.reset()
        elif error not in (peer.last_error, "duplicate"):  # a duplicate is linked otherwise
            log.warning(
                "peer %s:%d: %s; trying again",
                peer.address,
                peer.port,
                error,
                extra={"event": "peer-unreachable", "address": peer.address},
            )
        failures += 1
        peer.last_error = error
        delay = slow if failures > max_retries or error.startswith("self") else backoff
        await asyncio.sleep(delay.next_ms() / 1000)


async def _try(peer: StaticPeer, dialler: Dialler, serve: Callable[[Link], Awaitable[str]]) -> str:
    """Dial once and live through the link; return why there is none (any more)."""
    try:
        link = await dialler.dial(peer.address, peer.port)
    except DialFailed as failed:
        return str(failed)
    peer.node_id = link.node_id
    peer.last_error = ""
    return await serve(link)
