"""Whether the clock is right: signatures do not need it, expiry and what people read do."""

import ctypes
from typing import Any

from edgenode.cli.doctor.check import FAILURE, OK, WARNING, Check
from edgenode.core.clocktrust import agrees, judge

NAME = "clock"

EARLIEST_S = 1_735_689_600
"""The beginning of 2025: this program is younger."""

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


def peers_agree(peers: list[dict[str, Any]]) -> bool | None:
    """Tell whether the clock is that of the running node's `peers`, PeerInfo; None for too few."""
    offsets = [(peer.get("remoteAddress"), peer.get("clockOffset")) for peer in peers]
    return agrees(
        (address, offset)
        for address, offset in offsets
        if isinstance(address, str) and isinstance(offset, int)
    )


def check_clock(
    now_s: float, kept: bool | None, service_has_set: bool | None, agreed: bool | None
) -> Check:
    """Judge the time `now_s` (seconds since 1970).

    `kept`: as the kernel says. `service_has_set`: as the time service says. `agreed`: whether it
    is the time of peers. None where they do not tell.
    """
    if now_s < EARLIEST_S:
        return Check(
            NAME,
            FAILURE,
            "the clock is years behind",
            "connect the machine to the internet and start a time service: "
            "timedatectl set-ntp true",
        )
    if agreed is False:
        return Check(
            NAME,
            WARNING,
            "it is minutes off those of the nodes that this one is linked with",
            "start a time service, and look at what it says: timedatectl timesync-status",
        )
    if judge(kept or service_has_set, agreed):
        by_service = kept or service_has_set
        return Check(NAME, OK, "synchronised" if by_service else "it agrees with those of peers")
    if kept is None:
        return Check(NAME, OK, "the year is right; the kernel does not say whether it is kept")
    return Check(NAME, WARNING, "nobody keeps it", "start a time service: timedatectl set-ntp true")
