"""Memory left on this machine, and what the node takes."""

from pathlib import Path

from edgenode.cli.doctor.check import FAILURE, OK, WARNING, Check
from edgenode.cli.output import human_bytes

NAME = "memory"
PROC = Path("/proc")

MIB = 1024 * 1024

SCARCE_BYTES = 64 * MIB
"""A node takes 40 MiB, and a busy one more."""

EXHAUSTED_BYTES = 16 * MIB
"""Below it the kernel begins to end programs."""


def check_memory(pid: int | None, proc: Path = PROC) -> Check:
    """Judge what is available; `pid` is the running node's."""
    available = _kib(proc / "meminfo", "MemAvailable")
    if available is None:
        return Check(NAME, OK, "the kernel does not say how much is left")
    what = f"{human_bytes(available)} available"
    resident = None if pid is None else _kib(proc / str(pid) / "status", "VmRSS")
    if resident is not None:
        what += f", the node takes {human_bytes(resident)}"
    remedy = "stop programs that are not needed, or add swap"
    if available < EXHAUSTED_BYTES:
        return Check(NAME, FAILURE, what, remedy)
    if available < SCARCE_BYTES:
        return Check(NAME, WARNING, what, remedy)
    return Check(NAME, OK, what)


def _kib(path: Path, name: str) -> int | None:
    """Return the bytes of a `Name:  1234 kB` line."""
    try:
        for line in path.read_text().splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return int(value.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
