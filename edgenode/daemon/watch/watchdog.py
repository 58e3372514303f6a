"""Feeding the watchdog of systemd (WatchdogSec= of systemd.service(5)) while the node works."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

from edgenode.daemon.notify import notify

log = logging.getLogger(__name__)


def watchdog_period_s() -> float | None:
    """Return half of the time that the watchdog waits, or None where none watches this process."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = os.environ.get("WATCHDOG_USEC", "")
    return int(text) / 2e6 if text.isdecimal() and int(text) else None


async def feed_watchdog(period_s: float, check: Callable[[], Awaitable[str | None]]) -> None:
    """Feed the watchdog every `period_s` for as long as `check` finds nothing wrong.

    `check` is `Liveness.check`. While it waits for a part that hangs, nothing is fed, and the
    service manager ends the node. Until cancelled.
    """
    while True:
        wrong = await check()
        if wrong is None:
            notify("WATCHDOG=1")
        else:
            log.error("the watchdog is not fed: %s", wrong, extra={"event": "not-alive"})
        await asyncio.sleep(period_s)
