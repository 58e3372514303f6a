"""Between a connection and aiohttp's handler of it: deadlines and bounds that aiohttp has not.

A guard keeps the head of a request until it is whole, and makes the handler only then: one who
sends half a head holds a socket and a few hundred bytes. The body is passed on as it comes, the
next request not before the response to this one is sent.
"""

import asyncio
from collections.abc import Callable

from aiohttp import web

from edgenode.api.chunks import Chunks
from edgenode.api.handler import Handler
from edgenode.api.heads import (
    END,
    MAX_HEAD_BYTES,
    NO_BODY,
    Body,
    Refused,
    begins_well,
    body_after,
)
from edgenode.api.refusal import refusal
from edgenode.api.seats import Seat, Seats

HEAD_SECONDS = 5.0
"""From the connection, or the first byte of a later request, to the end of its head: one packet."""

BODY_SECONDS = 10.0
"""For the body of one who is not known: some KiB of JSON, at 52 kbit/s still 64 KiB."""

PACE_SECONDS = 5.0
PACE_BYTES = 1024
"""What must come of such a body meanwhile: one who sends a byte a second goes before the others."""

UNSENT_SECONDS = 60.0
"""How long a reader may take nothing of what waits for him. The kernel has buffers of some MiB
before ours, which a slow line needs a while to make room in."""

LAST_SECONDS = 1.0
"""For a refusal to arrive, before the connection is cut."""

MAX_HELD_BYTES = 512 * 1024
"""Kept of what comes too early: one read of asyncio's, and another that was on its way."""

_NEW, _HEAD, _BODY, _ANSWER, _OPEN, _LAST = range(6)


class Guard(asyncio.Protocol):
    """The protocol of one accepted connection."""

    __slots__ = (
        "_answered",
        "_chunks",
        "_drained",
        "_handler",
        "_held",
        "_left",
        "_loop",
        "_lost",
        "_make",
        "_paced",
        "_pacing",
        "_patient",
        "_phase",
        "_seat",
        "_seats",
        "_served",
        "_since",
        "_timer",
        "_transport",
        "_unsent",
    )

    def __init__(
        self,
        seats: Seats,
        seat: Seat,
        make: Callable[["Guard"], Handler],
        lost: Callable[["Guard"], None],
    ) -> None:
        """`make(guard)` gives a handler, once a request is there; `lost(guard)` ends it all."""
        self._seats = seats
        self._seat = seat
        self._make = make
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._handler: Handler | None = None
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._phase = _NEW
        self._held = b""
        self._chunks: Chunks | None = None  # of the body, if it comes so
        self._left = 0  # bytes of it to come otherwise
        self._paced = 0  # bytes of it since the pace was last looked at
        self._pacing = False  # whether it is looked at
        self._patient = False
        self._answered = False
        self._served = False
        self._since = self._loop.time()
        self._unsent = 0
        self._drained = False

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._phase == _LAST:  # closed before it was there
            transport.abort()
            return
        self._phase = _HEAD
        self._seats.waits(self, self._seat)
        self._wake_in(HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        if self._phase == _OPEN:
            assert self._handler is not None
            self._handler.data_received(data)
            return
        if self._held:
            data, self._held = self._held + data, b""
        self._take(data)

    def pause_writing(self) -> None:
        """Let the handler wait."""
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """Let the handler go on."""
        self._drained = True
        if self._handler is not None:
            self._handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up the seat, and end what is being done."""
        if self._timer is not None:
            self._timer.cancel()
        self._phase = _LAST
        self._held = b""
        self._seats.works(self)
        self._seat.leave()
        self._lost(self)
        if self._handler is not None:
            self._handler.connection_lost(exc)

    # What those tell who handle the request.

    @classmethod
    def of(cls, request: web.BaseRequest) -> "Guard | None":
        """Return the guard of a request's connection, None where it has none, or is gone."""
        handler = request.protocol
        return handler.guard if isinstance(handler, Handler) else None  # type: ignore[return-value]

    def be_patient(self) -> None:
        """The caller is known: his body may take as long as the one who reads it allows."""
        self._patient = True

    def open(self) -> None:
        """The connection is a WebSocket from now on, with deadlines of its own."""
        self._phase = _OPEN
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._loop.call_soon(self._release)  # what is there early, when the handler takes it

    def answered(self) -> None:
        """The response is handed over: the next request may come."""
        if self._phase == _ANSWER:
            self._next()
        else:
            self._answered = True

    def displace(self) -> None:
        """End at once, for another connection."""
        self._seat.leave()
        self._phase = _LAST
        self._transport.abort()

    def close(self) -> None:
        """End it if nothing is being done."""
        if self._phase == _NEW:
            self._phase = _LAST
        elif self._phase == _HEAD:
            self._transport.close()

    # The phases of a request.

    def _take(self, data: bytes) -> None:
        while data:
            if self._phase == _HEAD:
                data = self._take_head(data)
            elif self._phase == _BODY:
                data = self._take_body(data)
            elif self._phase == _LAST:
                return
            else:
                self._held = data
                if len(data) > MAX_HELD_BYTES:
                    self._transport.abort()
                else:
                    self._transport.pause_reading()
                return
        if self._phase == _BODY and not self._pacing:
            self._pacing = True
            self._wake_in(PACE_SECONDS)

    def _take_head(self, data: bytes) -> bytes:
        if data[0] in b"\r\n":  # before a request, to be ignored (RFC 9112, 2.2)
            data = data.lstrip(b"\r\n")
            if not data:
                return data
        end = data.find(END)
        try:
            if end < 0:
                self._keep_begun(data)
                return b""
            end += len(END)
            head = data[:end]
            body = body_after(head)
        except Refused as refused:
            self._refuse(refused.code)
            return b""
        self._seats.works(self)
        self._phase = _ANSWER
        self._answered = self._patient = False
        if body is not NO_BODY:
            self._expect(body)
        handler = self._handler
        if handler is None:
            handler = self._handler = self._make(self)
            handler.connection_made(self._transport)
        self._served = True
        handler.data_received(head)
        return data[end:]

    def _expect(self, body: Body) -> None:
        if body.length or body.chunked:
            self._phase = _BODY
            self._left = body.length
            self._chunks = Chunks() if body.chunked else None
            self._since = self._loop.time()
            self._paced = 0
            self._pacing = False

    def _keep_begun(self, data: bytes) -> None:
        """Keep a part of a head, for so long."""
        if not begins_well(data):
            raise Refused("bad-request")
        if len(data) > MAX_HEAD_BYTES:
            raise Refused("headers-too-large")
        if not self._held and self._served:
            self._since = self._loop.time()
            self._wake_in(HEAD_SECONDS)
        self._held = data

    def _take_body(self, data: bytes) -> bytes:
        assert self._handler is not None
        if self._chunks is not None:
            taken = self._chunks.take(data)
            ended = self._chunks.ended
        else:
            taken = min(self._left, len(data))
            self._left -= taken
            ended = not self._left
        self._paced += taken
        self._handler.data_received(data if taken == len(data) else data[:taken])
        if ended:
            self._body_ended()
        return data[taken:]

    def _body_ended(self) -> None:
        if self._phase == _BODY:
            self._phase = _ANSWER
            if self._answered:
                self._next()

    def _next(self) -> None:
        """Wait for the next request, or take it if it is here."""
        self._phase = _HEAD
        self._since = self._loop.time()
        if not self._transport.is_closing():
            self._seats.waits(self, self._seat)
        self._release()

    def _release(self) -> None:
        """Go on with what came too early."""
        if self._held and not self._transport.is_closing():
            data, self._held = self._held, b""
            self._transport.resume_reading()
            if self._phase == _OPEN:
                assert self._handler is not None
                self._handler.data_received(data)
            else:
                self._take(data)

    def _refuse(self, code: str) -> None:
        self._seats.works(self)
        self._phase = _LAST
        self._transport.write(refusal(code))
        # What is unread would turn the end into a reset, and the refusal would be lost.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._wake_in(LAST_SECONDS)

    # Deadlines: one timer, looked at when it is due, and never set for a request that comes whole.

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        again = self._time_left()
        if again > 0:
            self._wake_in(again)
        else:
            self._transport.abort()

    def _time_left(self) -> float:
        """Return for how long all may go on, 0 or less: it may not."""
        passed = self._loop.time() - self._since
        if self._phase == _LAST:
            return 0
        if self._phase == _HEAD and (self._held or not self._served):
            return HEAD_SECONDS - passed
        if self._phase == _BODY and not (self._patient or self._answered):
            return self._body_time(passed)
        return self._unsent_time()

    def _body_time(self, passed: float) -> float:
        if not self._transport.is_reading():  # it is the node that is slow
            self._paced = PACE_BYTES
        if self._paced < PACE_BYTES:
            return 0
        self._paced = 0
        return min(PACE_SECONDS, BODY_SECONDS - passed)

    def _unsent_time(self) -> float:
        """Look whether the caller takes what is there for him."""
        before, self._unsent = self._unsent, self._transport.get_write_buffer_size()
        stands = before and self._unsent >= before and not self._drained
        self._drained = False
        return 0 if stands else UNSENT_SECONDS
