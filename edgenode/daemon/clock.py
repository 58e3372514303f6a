"""The clocks: the monotonic one of the running loop, as `core` takes it, and the wall's."""

import asyncio
import time


def loop_ms() -> int:
    """Return the reading of the loop's clock in ms."""
    return int(asyncio.get_running_loop().time() * 1000)


def monotonic_ms() -> int:
    """Return the reading in ms of a clock that is never set, in a loop or outside of it."""
    return time.monotonic_ns() // 1_000_000


def wall_ms() -> int:
    """Return ms since 1970 by the wall clock, which only people are shown."""
    return time.time_ns() // 1_000_000
