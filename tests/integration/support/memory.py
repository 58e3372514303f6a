"""A process's memory, from Linux."""

from pathlib import Path

MIB = 1024 * 1024


def reset_peak(pid: int) -> None:
    """Let the peak begin at what is resident now (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory(pid: int, field: str) -> int:
    """Return a field of /proc/PID/status in bytes: VmHWM (peak), VmRSS, RssAnon."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise AssertionError(f"no {field}")
