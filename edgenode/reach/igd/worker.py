"""Blocking calls into a C library, in threads that nobody waits for longer than agreed."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from edgenode.reach.method import MappingFailed

T = TypeVar("T")

# Each call has a thread of its own, which ends with it. Four are two gateways with one call that
# hangs and one that works each; more would mean that the library hangs whenever it is called.
MAX_THREADS = 4

_running = threading.BoundedSemaphore(MAX_THREADS)  # of the process, as the threads are


async def call(function: Callable[[], T], *, deadline_s: float) -> T:
    """Run `function` in a thread and give what it returns or raises.

    Raises `MappingFailed` after `deadline_s`, and at once where MAX_THREADS hang already. A thread
    that has been given up ends by itself or never; its result is dropped. The threads are daemons,
    none of an executor's: the end of the process does not wait for them.
    """
    if not _running.acquire(blocking=False):
        raise MappingFailed("failed", "the calls before this one hang")
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: Exception | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]  # T may be None

    def run() -> None:
        value: T | None = None
        failure: Exception | None = None
        try:
            value = function()
        except Exception as error:
            failure = error
        finally:
            _running.release()
        try:
            loop.call_soon_threadsafe(settle, value, failure)
        except RuntimeError:  # the loop has been closed meanwhile
            return

    try:
        threading.Thread(target=run, name="upnp", daemon=True).start()
    except RuntimeError as error:  # no more threads to be had
        _running.release()
        raise MappingFailed("failed", str(error)) from None
    try:
        async with asyncio.timeout(deadline_s):
            return await result
    except TimeoutError:
        raise MappingFailed("no-answer", "no answer in time") from None
