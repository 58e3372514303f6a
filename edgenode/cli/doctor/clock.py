"""Whether the clock is right: signatures do not need it, expiry and what people read do."""

import ctypes
from pathlib import Path

from edgenode.cli.doctor.check import FAILURE, OK, WARNING, Check

NAME = "clock"

EARLIEST_S = 1_735_689_600
"""The beginning of 2025: this program is younger."""

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""Made by systemd-timesyncd when it has set the clock once."""

_TIMEX_BYTES = 512
"""More than `struct timex` has anywhere; all zeros ask and change nothing (adjtimex(2))."""

_TIME_ERROR = 5


def kernel_says_synchronised() -> bool | None:
    """Ask the kernel whether somebody keeps its clock (adjtimex(2)); None where it cannot say."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def check_clock(now_s: float, synchronised: bool | None, mark: Path = SYNCHRONISED) -> Check:
    """Judge the time `now_s` (seconds since 1970), and whether the kernel calls it kept."""
    if now_s < EARLIEST_S:
        return Check(
            NAME,
            FAILURE,
            "the clock is years behind",
            "connect the machine to the internet and start a time service: "
            "timedatectl set-ntp true",
        )
    if synchronised or mark.exists():
        return Check(NAME, OK, "synchronised")
    if synchronised is None:
        return Check(NAME, OK, "the year is right; the kernel does not say whether it is kept")
    return Check(NAME, WARNING, "nobody keeps it", "start a time service: timedatectl set-ntp true")
