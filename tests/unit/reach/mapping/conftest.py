"""Mapping in virtual time, at routers in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable

import async_solipsism
import pytest

from tests.unit.reach.mapping.home import Home


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": async_solipsism.EventLoop}


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    home = Home()
    yield home
    await home.stop()
