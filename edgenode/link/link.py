"""One live link: sealed frames in and out, bounded, kept alive, ended with a reason."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from aiohttp import WSMsgType

from edgenode.core.counters import Counters
from edgenode.core.errors import EdgenodeError
from edgenode.core.frame import END, decode_end, encode_end
from edgenode.core.hello import Hello
from edgenode.core.reasons import close_code
from edgenode.link.backlog import Backlog
from edgenode.link.channel import Channel
from edgenode.link.roundtrip import round_trip_s, sent_again
from edgenode.link.socket import CLOSE_TIMEOUT_S, Pings, Socket, SocketClosed, receive_frame

# What may wait for one peer: a slow one must not cost the node more than this.
MAX_QUEUED_BYTES = 512 * 1024
MAX_QUEUED_FRAMES = 256

# `send` waits above this, so that bulk data leaves room for what `post` has to say.
BULK_QUEUED_BYTES = 128 * 1024

# A silent link is asked after 30 s, often enough for the 60 s in which home routers forget a UDP
# or idle TCP flow at worst, and given 10 s to answer.
SILENCE_S = 30.0
PONG_TIMEOUT_S = 10.0

# What the kernel has sent again so often in a row, over three seconds, has most likely nobody left
# to answer: a loss of one in ten packets does it once in ten thousand.
STALLED_AFTER = 4

# A peer that takes no byte for so long has gone, or is too slow to be of use.
SEND_TIMEOUT_S = 30.0


class Link:
    """An authenticated link to `peer`; `run` is its life.

    `since`: when it came about, by the loop's clock. Its user counts and keeps: `useful_bytes`,
    those of blocks that came by it; `clock_origin_ms`, the peer's clock when a clock of its own
    showed zero, None before the peer has told.
    """

    def __init__(
        self,
        socket: Socket,
        channel: Channel,
        peer: Hello,
        *,
        dialled: bool,
        address: str,
        port: int,
        counters: Counters,
        backlog: Backlog,
        ping: Callable[[], bytes],
    ) -> None:
        """`address` and `port` are the peer's end as we see it; `ping()` makes a ping's frame.

        `backlog` is that of all links.
        """
        self.peer = peer
        self.dialled = dialled
        self.address = address
        self.port = port
        self._socket = socket
        self._channel = channel
        self._counters = counters
        self._backlog = backlog
        self._ping = ping
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self.since = asyncio.get_running_loop().time()
        self.useful_bytes = 0
        self.clock_origin_ms: int | None = None
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._heard = asyncio.Event()
        self._heard_at = asyncio.get_running_loop().time()
        self._end: str | None = None
        self._ended = asyncio.Event()
        self._read_out = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    @property
    def node_id(self) -> str:
        """The peer's nodeId, proved by the handshake."""
        return self.peer.node_id

    @property
    def ended_by_us(self) -> str:
        """The reason for which this side has ended the link, "" before that."""
        return self._end or ""

    @property
    def remote_address(self) -> str:
        """IP literal of the peer's end, "" where the connection is gone."""
        return self._end_of("peername")

    @property
    def local_address(self) -> str:
        """IP literal of our end, "" where the connection is gone."""
        return self._end_of("sockname")

    def _end_of(self, name: str) -> str:
        end = self._socket.get_extra_info(name)
        return str(end[0]) if end else ""

    def round_trip_s(self) -> float | None:
        """Return how long the peer takes to acknowledge, None where that is not known."""
        opened = self._socket.get_extra_info("socket")
        return None if opened is None else round_trip_s(opened)

    def is_stalled(self) -> bool:
        """Tell whether the peer leaves what was sent to it without any sign of having got it."""
        opened = self._socket.get_extra_info("socket")
        return opened is not None and sent_again(opened) >= STALLED_AFTER

    def nudge(self) -> None:
        """Ask the peer for a sign of life, so that a dead link is soon seen to stall."""
        self.post(self._ping())

    @property
    def is_ending(self) -> bool:
        """Whether it is on its way out."""
        return self._end is not None

    def silent_for_s(self) -> float:
        """Return how long ago the peer was heard last."""
        return asyncio.get_running_loop().time() - self._heard_at

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait to be sent."""
        return self._queued_bytes

    @property
    def has_room(self) -> bool:
        """Whether what is posted now does not wait behind much else."""
        return self._room.is_set() and self._end is None

    def post(self, plaintext: bytes) -> None:
        """Queue a frame at once; a peer that lets the queue overflow loses the link."""
        if self._end is not None:
            return
        if (
            len(self._queue) >= MAX_QUEUED_FRAMES
            or self._queued_bytes + len(plaintext) > MAX_QUEUED_BYTES
        ):
            self.close("too-slow")
            return
        self._queue.append(plaintext)
        self._waits(self._queued_bytes + len(plaintext))
        if self._queued_bytes > BULK_QUEUED_BYTES:
            self._room.clear()
        self._wake.set()

    async def send(self, plaintext: bytes) -> None:
        """Queue a frame of bulk data when there is room for it; raises `SocketClosed`."""
        await self._room.wait()
        if self._end is not None:
            raise SocketClosed(self._end)
        self.post(plaintext)

    def close(self, reason: str) -> None:
        """End the link: what is queued for `bye` is still sent, for other reasons it is dropped."""
        if self._end is not None:
            return
        self._end = reason
        if reason != "bye":
            self._drop_queue()
        self._wake.set()
        self._room.set()
        self._limit_writer()

    async def ended(self) -> None:
        """Return when the link is over."""
        await self._ended.wait()

    async def probe(self, timeout_s: float) -> bool:
        """Tell whether the peer still answers within `timeout_s`."""
        self._heard.clear()
        self.post(self._ping())
        try:
            async with asyncio.timeout(timeout_s):
                await self._heard.wait()
        except TimeoutError:
            return False
        return self._end is None

    async def run(self, on_frame: Callable[[bytes], float | None]) -> str:
        """Pass each frame's plaintext to `on_frame` until the link ends; return the reason.

        `on_frame` may return the seconds to wait before more is read.
        An `EdgenodeError` that `on_frame` raises ends the link with its code as the reason.
        """
        self._writer = asyncio.create_task(self._write())
        self._limit_writer()
        try:
            return await self._read(on_frame)
        finally:
            self._read_out.set()
            self.close("bye")
            await asyncio.wait([self._writer])
            self._heard.set()
            self._ended.set()

    async def _read(self, on_frame: Callable[[bytes], float | None]) -> str:
        asked = False
        pings = Pings()
        while True:
            try:
                frame = await receive_frame(
                    self._socket, WSMsgType.BINARY, PONG_TIMEOUT_S if asked else SILENCE_S, pings
                )
            except TimeoutError:
                if asked:
                    self.close("too-slow")
                    return "too-slow"
                asked = True
                self.post(self._ping())
                continue
            except SocketClosed as closed:
                return self._end or closed.reason
            except EdgenodeError as error:
                self.close(error.code)
                return error.code
            asked = False
            self._counters.bytes_in += len(frame)
            self._heard_at = asyncio.get_running_loop().time()
            self._heard.set()
            try:
                plaintext, final = self._channel.open(frame)
                if final:
                    told = decode_end(plaintext[1:]) if plaintext[:1] == bytes((END,)) else "bye"
                    return self._end or told
                if pause_s := on_frame(plaintext):
                    await asyncio.sleep(pause_s)
            except EdgenodeError as error:
                self.close(error.code)
                return error.code

    async def _write(self) -> None:
        """Send what is queued; the only place that seals, so that frames keep their order."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    plaintext = self._queue.popleft()
                    self._waits(self._queued_bytes - len(plaintext))
                    if self._queued_bytes <= BULK_QUEUED_BYTES:
                        self._room.set()
                    await self._send(self._channel.seal(plaintext))
                if self._end is not None:
                    await self._send(self._channel.seal(encode_end(self._end), final=True))
                    # A socket closed with bytes unread resets the connection, and what we said
                    # last is lost: so read until the peer ends, too, or the deadline comes.
                    await self._read_out.wait()
                    return
        except TimeoutError:
            self.close("too-slow")
        except ConnectionError:
            self.close("cut")
        finally:
            self._drop_queue()
            await self._close_socket()

    def _waits(self, queued_bytes: int) -> None:
        self._queued_bytes = queued_bytes
        self._backlog.changed(self, queued_bytes)

    def _drop_queue(self) -> None:
        self._queue.clear()
        self._waits(0)

    def _limit_writer(self) -> None:
        """Give the writer of a link that ends a deadline, whatever it waits for."""
        if self._end is not None and self._writer is not None:
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._writer.cancel)

    async def _close_socket(self) -> None:
        """Close the WebSocket, which also ends the reader's wait."""
        reason = self._end or "bye"
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._socket.close(code=close_code(reason), message=reason.encode())

    async def _send(self, frame: bytes) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._socket.send_bytes(frame)
        self._counters.bytes_out += len(frame)
