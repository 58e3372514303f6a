"""The monotonic clock of the running loop, as `core` takes it."""

import asyncio


def loop_ms() -> int:
    """Return its reading in ms."""
    return int(asyncio.get_running_loop().time() * 1000)
