"""In virtual time: an hour, or three days, of several nodes in seconds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import async_solipsism
import pytest

from tests.unit.daemon.virtual.network import Network


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": async_solipsism.EventLoop}


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    made = Network(tmp_path)
    yield made
    await made.close()
