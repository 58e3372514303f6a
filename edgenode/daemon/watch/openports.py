"""Since when which gateway passes the port on, and how often one ceased to."""

import time
from collections.abc import Callable

from edgenode.api.readings import OpenPort
from edgenode.reach.view import View

_Where = tuple[bool, str]
"""For IPv6 or not, and the gateway: at most one mapping each."""


class OpenPorts:
    """Follows the views that mapping gives, with a clock in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[_Where, tuple[tuple[str, int], float]] = {}
        self.lost = 0
        self.wanted = False
        self.failures: dict[tuple[str, str], int] = {}

    def on_view(self, view: View) -> None:
        """Take a new view."""
        now = self._clock()
        open_now: dict[_Where, tuple[tuple[str, int], float]] = {}
        for mapping in view.mappings:
            where = (mapping.ipv6, mapping.gateway)
            how = (mapping.method, mapping.external_port)
            earlier = self._since.get(where)
            # Another port or method is another mapping, but nothing was lost.
            open_now[where] = earlier if earlier and earlier[0] == how else (how, now)
        self.lost += len(self._since.keys() - open_now.keys())
        self._since = open_now
        self.wanted = view.asked
        self.failures = {}
        for failure in view.failures:
            kind = (failure.method, failure.reason)
            self.failures[kind] = self.failures.get(kind, 0) + 1

    def now(self) -> list[OpenPort]:
        """Return the ports that are open."""
        now = self._clock()
        return [
            OpenPort("ipv6" if ipv6 else "ipv4", method, gateway, now - since)
            for (ipv6, gateway), ((method, _), since) in self._since.items()
        ]
