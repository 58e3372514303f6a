"""Linking with an address that somebody has announced."""

import logging
from collections.abc import Awaitable, Callable

from edgenode.link.dial import DialFailed, Dialler
from edgenode.link.link import Link

log = logging.getLogger(__name__)


async def call_announced(
    dialler: Dialler, live: Callable[[Link], Awaitable[str]], address: str, port: int
) -> None:
    """Dial once and live through the link; a failure is logged."""
    try:
        link = await dialler.dial(address, port)
    except DialFailed as failed:
        log.info("the announced address %s:%d: %s", address, port, failed)
    else:
        await live(link)
