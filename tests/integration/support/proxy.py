"""A line between two nodes that can be cut, frozen and measured."""

import asyncio
from contextlib import suppress
from types import TracebackType

PIECE_BYTES = 64 * 1024


class Proxy:
    """Passes TCP connections on to `target_port`, and counts what it passes.

    `from_target` and `to_target` are the bytes passed so far in each direction, `accepted` the
    connections so far, `opened` those that went on to the target.
    """

    def __init__(self, target_port: int = 0) -> None:
        self.target_port = target_port
        self.from_target = 0
        self.to_target = 0
        self.accepted = 0
        self.opened = 0
        self.port = 0
        self._cut_at: int | None = None
        self._freeze_at: int | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._passed = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._writers) // 2

    def cut(self) -> None:
        """Break all connections, without the good-bye of TCP."""
        for writer in self._writers:
            writer.transport.abort()

    def cut_at(self, from_target: int) -> None:
        """Cut once, when so many bytes have come from the target in all."""
        self._cut_at = from_target

    def freeze(self) -> None:
        """Pass nothing more, on connections that stay open; new ones wait too."""
        self._flowing.clear()

    def freeze_at(self, from_target: int) -> None:
        """Freeze once, when at least so many bytes have come from the target in all."""
        self._freeze_at = from_target

    def flow(self) -> None:
        """Pass bytes again."""
        self._flowing.set()

    async def passed(self, from_target: int, *, timeout_s: float = 30.0) -> None:
        """Wait until so many bytes have come from the target in all."""
        async with asyncio.timeout(timeout_s), self._passed:
            await self._passed.wait_for(lambda: self.from_target >= from_target)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.ensure_future(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        try:
            await self._flowing.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
            ends.add(back)
            self.opened += 1
            self._writers |= ends
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, back, from_target=False))
                both.create_task(self._pass(there, writer, from_target=True))
        except OSError:
            pass  # nobody listens there: this side is told by the end of its connection
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, from_target: bool
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(PIECE_BYTES):
                await self._flowing.wait()
                if from_target and self._cut_at is not None:
                    left = self._cut_at - self.from_target
                    if len(data) >= left:
                        self._cut_at = None
                        await self._count(left, from_target=True)
                        sink.write(data[:left])
                        self.cut()
                        return
                await self._count(len(data), from_target=from_target)
                sink.write(data)
                await sink.drain()
                if self._freeze_at is not None and self.from_target >= self._freeze_at:
                    self._freeze_at = None
                    self.freeze()
        await self._flowing.wait()  # the end does not come through a frozen line either
        with suppress(OSError):
            sink.write_eof()

    async def _count(self, size: int, *, from_target: bool) -> None:
        async with self._passed:
            if from_target:
                self.from_target += size
            else:
                self.to_target += size
            self._passed.notify_all()
