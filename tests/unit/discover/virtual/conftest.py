"""In virtual time: hours of waiting in milliseconds."""

import asyncio
from collections.abc import Callable

import async_solipsism


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": async_solipsism.EventLoop}
