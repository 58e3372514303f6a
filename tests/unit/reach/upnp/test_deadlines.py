"""Gateways that hang: every call ends in its time, and no thread stays behind."""

import asyncio
import socket
import subprocess
import sys
import threading
import time

import pytest

from edgenode.reach.igd import control, finding, worker
from edgenode.reach.method import MappingFailed, Wish
from edgenode.reach.upnp import UpnpMethod
from tests.unit.reach.fake_igd import IP1, FakeIgd
from tests.unit.reach.upnp.conftest import SEARCH_S

WISH = Wish(4242, 14242, None, 7200, b"n" * 12, "edgenode")


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "DESCRIPTION_S", 0.3)
    monkeypatch.setattr(control, "CALL_S", 0.3)


async def reason_of(method: UpnpMethod) -> str:
    with pytest.raises(MappingFailed) as caught:
        await method.map(WISH, None)
    return caught.value.reason


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)
    except OSError:
        return
    finally:
        writer.close()


async def test_a_description_that_drips(fake: FakeIgd, method: UpnpMethod) -> None:
    server = await asyncio.start_server(_drip, fake.address, 0)
    fake.locations = [f"http://{fake.address}:{server.sockets[0].getsockname()[1]}/"]
    begun = time.monotonic()
    assert await reason_of(method) == "no-answer"
    assert time.monotonic() - begun < 1.5
    server.close()


@pytest.mark.parametrize("drips", [False, True])
async def test_a_call_that_is_never_answered(
    fake: FakeIgd, method: UpnpMethod, drips: bool
) -> None:
    """The deadline holds, the loop goes on meanwhile, and the library's thread ends too."""
    server = None
    silent = socket.create_server((fake.address, 0))
    port = silent.getsockname()[1]
    if drips:
        server = await asyncio.start_server(_drip, fake.address, 0)
        port = server.sockets[0].getsockname()[1]
    fake.services = [(IP1, f"http://{fake.address}:{port}/ctl")]
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    ticking = asyncio.ensure_future(tick())
    begun = time.monotonic()
    assert await reason_of(method) == "no-answer"
    assert time.monotonic() - begun < 2.0
    assert turns > 20
    ticking.cancel()
    silent.close()
    if server is not None:
        server.close()
    await _no_threads()


async def _no_threads() -> None:
    for thread in threading.enumerate():
        if thread.name == "upnp":
            await asyncio.to_thread(thread.join, 5.0)
            assert not thread.is_alive()


async def test_a_call_that_is_cancelled_leaves_no_thread(fake: FakeIgd, method: UpnpMethod) -> None:
    await method.probe()
    with socket.create_server((fake.address, 0)) as silent:
        fake.services = [(IP1, f"http://{fake.address}:{silent.getsockname()[1]}/ctl")]
        mapping = asyncio.ensure_future(UpnpMethod(fake.gateway, search_s=SEARCH_S).map(WISH, None))
        silent.setblocking(False)
        held, _ = await asyncio.get_running_loop().sock_accept(silent)
        mapping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await mapping
        held.close()
    await _no_threads()


async def test_threads_that_hang_are_given_up_and_bounded() -> None:
    go = threading.Event()

    async def hang() -> MappingFailed:
        with pytest.raises(MappingFailed) as caught:
            await worker.call(go.wait, deadline_s=0.05)
        return caught.value

    begun = time.monotonic()
    for _ in range(worker.MAX_THREADS):
        assert (await hang()).reason == "no-answer"
    assert (await hang()).reason == "failed"
    assert time.monotonic() - begun < 1.0
    go.set()
    await _no_threads()
    assert await worker.call(lambda: 7, deadline_s=1.0) == 7
    with pytest.raises(ZeroDivisionError):
        await worker.call(lambda: 1 // 0, deadline_s=1.0)


HANGING = """
import asyncio, threading
from edgenode.reach.igd import worker
async def main():
    try:
        await worker.call(threading.Event().wait, deadline_s=0.05)
    except worker.MappingFailed:
        print("given up")
asyncio.run(main())
import sys
assert "miniupnpc" not in sys.modules
"""


def test_the_process_ends_though_a_thread_hangs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "given up\n"
