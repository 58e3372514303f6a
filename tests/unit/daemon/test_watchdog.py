"""The watchdog is fed while loop, database and disk answer, and not when one of them does not."""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgenode.daemon.watch.liveness import Liveness
from edgenode.daemon.watch.watchdog import feed_watchdog, watchdog_period_s
from edgenode.store.database import Database

PERIOD_S = 0.01
FED_S = 10.0
"""Within this a meal comes on any machine."""


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket of a service manager that the node tells how it is."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


async def meal(manager: socket.socket) -> bytes:
    async with asyncio.timeout(FED_S):
        return await asyncio.get_running_loop().sock_recv(manager, 100)


async def said(caplog: pytest.LogCaptureFixture) -> None:
    """Wait until something is logged."""
    logged = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            loop.call_soon_threadsafe(logged.set)

    handler = Noting()
    logging.getLogger("edgenode").addHandler(handler)
    try:
        async with asyncio.timeout(FED_S):
            if not caplog.records:
                await logged.wait()
    finally:
        logging.getLogger("edgenode").removeHandler(handler)


async def test_it_is_fed_until_the_database_hangs(tmp_path: Path, manager: socket.socket) -> None:
    database = await Database.open(tmp_path / "state.db")
    feeding = asyncio.create_task(feed_watchdog(PERIOD_S, Liveness(database, tmp_path).check))
    for _ in range(3):
        assert await meal(manager) == b"WATCHDOG=1"

    hung, go_on = threading.Event(), threading.Event()

    def hang(_: object) -> None:
        hung.set()
        go_on.wait(FED_S)

    hanging = asyncio.create_task(database.read(hang))
    await asyncio.to_thread(hung.wait, FED_S)
    await asyncio.sleep(5 * PERIOD_S)  # what was on its way, and then nothing
    while True:
        try:
            manager.recv(100)
        except BlockingIOError:
            break
    await asyncio.sleep(5 * PERIOD_S)
    with pytest.raises(BlockingIOError):
        manager.recv(100)

    go_on.set()
    await hanging
    assert await meal(manager) == b"WATCHDOG=1"
    feeding.cancel()
    await database.close()


async def test_a_database_that_failed_is_said_and_not_fed(
    tmp_path: Path, manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    database = await Database.open(tmp_path / "state.db")
    await database.close()
    feeding = asyncio.create_task(feed_watchdog(60, Liveness(database, tmp_path).check))
    await said(caplog)
    assert "not fed: the state database is closed" in caplog.text
    with pytest.raises(BlockingIOError):
        manager.recv(100)
    feeding.cancel()


async def test_a_disk_that_is_gone_is_said_and_not_fed(
    tmp_path: Path, manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    database = await Database.open(tmp_path / "state.db")
    feeding = asyncio.create_task(feed_watchdog(60, Liveness(database, tmp_path / "gone").check))
    await said(caplog)
    assert "No such file" in caplog.text
    with pytest.raises(BlockingIOError):
        manager.recv(100)
    feeding.cancel()
    await database.close()


@pytest.mark.parametrize(
    ("environment", "period_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "180000000"}, 90.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": str(os.getpid())}, 90.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_half_of_what_the_service_manager_allows(
    environment: dict[str, str], period_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert watchdog_period_s() == period_s
