"""The line that `systemctl status` shows (STATUS= of sd_notify(3))."""

from collections.abc import Callable, Mapping
from typing import Any

from edgenode.core.reachability import IPV6_ONLY, REACHABLE, UNKNOWN
from edgenode.daemon.notify import notify


class StatusLine:
    """Tells the service manager the state that `status` (NodeMetrics) gives, when it changes."""

    def __init__(self, status: Callable[[], Mapping[str, Any]]) -> None:
        self._status = status
        self._told = ""

    def tell(self) -> None:
        """Tell it, unless it is as it was."""
        line = status_line(self._status())
        if line != self._told:
            self._told = line
            notify(f"STATUS={line}")


def status_line(status: Mapping[str, Any]) -> str:
    """Return `12 peers, 1,204 blocks, reachable`."""
    peers, blocks = status["peers"], status["blocks"]
    return ", ".join((_count(peers, "peer"), _count(blocks, "block"), _reach(status)))


def _reach(status: Mapping[str, Any]) -> str:
    verdict = status["reachability"]["verdict"]
    if verdict == UNKNOWN:
        return "reachability not known yet"
    if verdict not in REACHABLE:
        return f"not reachable ({verdict})"
    words = "reachable by IPv6" if verdict == IPV6_ONLY else "reachable"
    return words if status["reachability"]["verified"] else f"{words} (not confirmed)"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
