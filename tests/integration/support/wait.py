"""Waiting for a state that nothing announces."""

import asyncio
from collections.abc import Awaitable, Callable

POLL_S = 0.02


async def eventually(
    holds: Callable[[], Awaitable[bool]], what: str, *, timeout_s: float = 10.0
) -> None:
    """Return once `holds()` does; fail naming `what` after `timeout_s`."""
    try:
        async with asyncio.timeout(timeout_s):
            while not await holds():  # noqa: ASYNC110 - another process's state has no event
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise AssertionError(f"not within {timeout_s} s: {what}") from None
