"""Where a body in chunks ends (RFC 9112, 7.1): its framing alone, the data is not looked at."""

import re

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;[^\r\n]*)?\r\n")

MAX_LINE_BYTES = 4096
"""Of a size with its extensions, or of a trailer."""


class Chunks:
    """Follows one body as it comes."""

    __slots__ = ("_in_trailer", "_left", "_line", "_lost", "ended")

    def __init__(self) -> None:
        self._left = 0
        self._line = b""
        self._in_trailer = False
        self._lost = False
        self.ended = False

    def take(self, data: bytes) -> int:
        """Return how many bytes of `data` belong to the body; `ended` says whether it is whole.

        All of them from where the framing is broken: whoever reads the body will find that.
        """
        at = 0
        while at < len(data) and not (self.ended or self._lost):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or len(data)]
            at = end or len(data)
            if len(self._line) > MAX_LINE_BYTES:
                self._lost = True
            elif end:
                line, self._line = self._line, b""
                self._take_line(line)
        return len(data) if self._lost else at

    def _take_line(self, line: bytes) -> None:
        if self._in_trailer:
            self.ended = line == b"\r\n"
            return
        found = _SIZE.fullmatch(line)
        if found is None:
            self._lost = True
            return
        size = int(found[1], 16)
        self._in_trailer = size == 0
        self._left = size + 2 if size else 0  # with the line end behind the data
