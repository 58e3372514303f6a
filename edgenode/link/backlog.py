"""What waits to be sent on all links together: bounded, and the slowest pays for it."""

from typing import Protocol

MAX_BYTES = 8 * 1024 * 1024
"""Sixteen peers that take nothing at all. On a small machine it is a tenth of what there is."""


class Queue(Protocol):
    """One link's."""

    def close(self, reason: str) -> None:
        """End the link; what waits on it is dropped."""


class Backlog:
    """The bytes that wait on each link, told by the links themselves."""

    def __init__(self) -> None:
        self._waiting: dict[Queue, int] = {}
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """How many wait in all."""
        return self._bytes

    def changed(self, queue: Queue, waiting: int) -> None:
        """Take note that so much waits on a link now; the fullest end while it is too much in all.

        A link is ended with `too-slow`, and tells then that nothing waits on it.
        """
        self._bytes += waiting - self._waiting.pop(queue, 0)
        if waiting:
            self._waiting[queue] = waiting
        while self._bytes > MAX_BYTES:
            fullest = max(self._waiting, key=self._waiting.__getitem__)
            self._bytes -= self._waiting.pop(fullest)
            fullest.close("too-slow")
