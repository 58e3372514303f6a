"""The latest events, for who comes back: bounded, each with a cursor that names its place."""

from collections import deque
from typing import NamedTuple

MAX_KEPT = 200
"""Events: seconds of a busy network, days of a quiet one. Fewer than a viewer may lag behind."""

MAX_KEPT_BYTES = 256 * 1024
"""Of their texts."""

_MAX_DIGITS = 16


class Kept(NamedTuple):
    """An event as it was sent, and the rooms it is in."""

    number: int
    text: bytes
    rooms: frozenset[str]


class EventRing:
    """Events in order. A cursor is `RUN.NUMBER`: where a viewer stands, in this run of the node."""

    def __init__(self, run: str) -> None:
        """`run` is another text each time that the node starts."""
        self._run = run
        self._kept: deque[Kept] = deque()
        self._size = 0
        self._last = 0
        self._lost = 0

    @property
    def last(self) -> int:
        """The number of the last event, from 1."""
        return self._last

    def cursor(self, number: int) -> str:
        """Name the place after the event of that number."""
        return f"{self._run}.{number}"

    def add(self, event: Kept) -> None:
        """Keep the next event; the oldest go."""
        self._last = event.number
        self._kept.append(event)
        self._size += len(event.text)
        while len(self._kept) > MAX_KEPT or self._size > MAX_KEPT_BYTES:
            oldest = self._kept.popleft()
            self._size -= len(oldest.text)
            self._lost = oldest.number

    def note_gap(self) -> None:
        """Events may have come that were not added: no cursor from before is complete."""
        self._last += 1
        self._lost = self._last

    def since(self, cursor: str) -> tuple[list[Kept], bool]:
        """Return the events after `cursor`, and whether others after it are not here any more.

        With a cursor of no place here, such as one of an earlier run, that is all there are.
        """
        run, _, digits = cursor.partition(".")
        number = -1
        if run == self._run and digits.isdecimal() and len(digits) <= _MAX_DIGITS:
            number = int(digits)
        if not 0 <= number <= self._last:
            return list(self._kept), True
        return [event for event in self._kept if event.number > number], number < self._lost
