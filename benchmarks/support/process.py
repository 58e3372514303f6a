"""A process that is measured: its CPU time and wake-ups, from Linux."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

START_TIMEOUT_S = 60.0
NS = 1_000_000_000


def thread_cpu_s(pid: int) -> dict[int, float]:
    """Return the CPU seconds that each living thread has had, to the nanosecond (schedstat)."""
    return {
        int(task.name): int((task / "schedstat").read_text().split()[0]) / NS
        for task in Path(f"/proc/{pid}/task").iterdir()
    }


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process whose threads all still live."""
    return sum(thread_cpu_s(pid).values())


def wake_ups(pid: int) -> int:
    """Return how often threads of a process went to wait, and so were woken."""
    count = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "voluntary_ctxt_switches":
                count += int(value)
    return count


@asynccontextmanager
async def started(command: Sequence[str]) -> AsyncIterator[tuple[int, str]]:
    """Run a program that prints a line when it is ready; gives (pid, that line), kills it after."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_TIMEOUT_S):
            line = (await process.stdout.readline()).decode().strip()
        if not line:
            raise RuntimeError(f"{command} ended before it was ready")
        yield process.pid, line
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
