"""What the kernel counts of this process (proc(5)); None where it does not tell."""

import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc/self")

CLOCK_MARK = Path("/run/systemd/timesync/synchronized")
"""Made by systemd-timesyncd when it has set the clock, in a folder of the machine's present run."""

# The wall clock is read a moment after the monotonic one: less than this is no correction of it.
STEADY_S = 2.0


class Process(NamedTuple):
    """Bytes, seconds of processor time, and files."""

    resident_bytes: int | None
    anonymous_bytes: int | None
    written_bytes: int | None
    cpu_s: float
    open_files: int | None


def read_process(proc: Path = PROC) -> Process:
    """Read what is so now."""
    status = _table(proc / "status")
    io = _table(proc / "io")
    return Process(
        resident_bytes=_kib(status.get("VmRSS")),
        anonymous_bytes=_kib(status.get("RssAnon")),
        written_bytes=int(io["write_bytes"]) if "write_bytes" in io else None,
        cpu_s=time.process_time(),
        open_files=_entries(proc / "fd"),
    )


def keep_secrets_in() -> None:
    """Let no crash write the memory of this process, which holds its keys, to a disk."""
    with suppress(OSError, ValueError):  # the sandbox of the service, which allows none either
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class StartTime:
    """When the process began, by the wall clock, which is often wrong at first and set later."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._shown_s = 0.0

    def seconds(self) -> float:
        """Return it in seconds since 1970: the same each time, unless the clock was set."""
        began_s = time.time() - (time.monotonic() - self._began)
        if abs(began_s - self._shown_s) > STEADY_S:
            self._shown_s = round(began_s, 2)
        return self._shown_s


def clock_is_set(mark: Path = CLOCK_MARK) -> bool | None:
    """Tell whether the time service has set the clock since the machine was started.

    None where no service is there that says so, or the node may not look.
    """
    try:
        if mark.exists():
            return True
        return False if mark.parent.exists() else None
    except OSError:
        return None


def _table(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _kib(value: str | None) -> int | None:
    """Return the bytes of `1234 kB`."""
    return None if value is None else int(value.split()[0]) * 1024


def _entries(folder: Path) -> int | None:
    try:
        return len(os.listdir(folder))  # noqa: PTH208 - names alone, no object for each
    except OSError:
        return None
