"""What stands between a connection and aiohttp: deadlines, bounds, and one request at a time."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import ClientSession, WSMsgType, web

from edgenode.api import guard, listener
from edgenode.api.door import Door
from edgenode.api.guard import Guard
from edgenode.api.heads import MAX_HEAD_BYTES, MAX_HEADERS
from edgenode.api.listener import build_runner
from edgenode.api.seats import Seats
from tests.integration.support.wait import eventually

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT = 0.15
SLACK = 2.0
"""Far below the deadlines that hold in earnest."""


class Server:
    """An application behind a door, and what its handlers saw."""

    def __init__(self, seats: Seats) -> None:
        self.seats = seats
        self.seen: list[bytes] = []
        self.under_way = 0
        self.most = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.patient = False
        self._clients: list[Client] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.patient and (found := Guard.of(request)) is not None:
            found.be_patient()
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            body = await request.read()
            await self.go_on.wait()
        finally:
            self.under_way -= 1
        self.seen.append(body)
        return web.Response(body=b"[%b]" % body)

    async def echo(self, request: web.Request) -> web.StreamResponse:
        opened = web.WebSocketResponse(compress=False)
        await opened.prepare(request)
        async for message in opened:
            if message.type is WSMsgType.TEXT:
                await opened.send_str(message.data)
        return opened

    async def large(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=bytes(32 * 1024 * 1024))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        app = web.Application()
        app.router.add_route("*", "/", self.handle)
        app.router.add_get("/ws", self.echo)
        app.router.add_get("/large", self.large)
        runner = build_runner(app)
        await runner.setup()
        listening = socket.create_server(("127.0.0.1", 0))
        self.listening = listening
        self.address = listening.getsockname()
        self.door = Door(runner, self.seats)
        self.door.open([listening])
        try:
            yield self
        finally:
            for client in self._clients:
                client.writer.transport.abort()
            self.door.close()
            listening.close()
            await runner.cleanup()

    async def connect(self, data: bytes = b"") -> "Client":
        reader, writer = await asyncio.open_connection(*self.address)
        client = Client(reader, writer)
        self._clients.append(client)
        client.send(data)
        return client

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once `holds()` does."""

        async def is_so() -> bool:
            return holds()

        await eventually(is_so, "the server is so far")

    async def refuses(self) -> bool:
        """Tell whether a new connection is cut at once."""
        try:
            return await (await self.connect(GET)).end() <= SLACK
        except ConnectionError:
            return True


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, bytes]:
        """Return status and body of the next response."""
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return int(head.split()[1]), await self.reader.readexactly(length)

    async def end(self) -> float:
        """Return how long it takes until the connection has ended."""
        began = time.monotonic()
        async with asyncio.timeout(5):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass
        self.writer.close()
        return time.monotonic() - began


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(guard, "HEAD_SECONDS", SHORT)
    monkeypatch.setattr(guard, "PACE_SECONDS", SHORT)
    monkeypatch.setattr(guard, "BODY_SECONDS", 2 * SHORT)
    monkeypatch.setattr(guard, "LAST_SECONDS", SHORT)
    monkeypatch.setattr(listener, "LINGER_SECONDS", SHORT)
    async with Server(Seats()).running() as running:
        yield running


def problem(answer: tuple[int, bytes]) -> tuple[int, str]:
    status, body = answer
    return status, json.loads(body)["type"].removeprefix("urn:edgenode:problem:")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n", GET[:-1], b"\r\n\r\n", GET + b"G"])
async def test_one_who_does_not_finish_his_head_is_cut(server: Server, sent: bytes) -> None:
    client = await server.connect(sent)
    assert SHORT * 0.5 <= await client.end() <= SLACK
    assert server.seats.taken == 0


async def test_a_byte_now_and_then_buys_no_time(server: Server) -> None:
    client = await server.connect()
    ending = asyncio.create_task(client.end())
    for byte in GET * 3:
        if ending.done():
            break
        client.send(bytes((byte,)))
        await asyncio.wait([ending], timeout=SHORT / 10)
    assert ending.done()
    assert not server.seen
    await ending


@pytest.mark.parametrize(
    "body", [b"Content-Length: 9\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
)
async def test_a_body_that_does_not_come_ends_the_connection(server: Server, body: bytes) -> None:
    client = await server.connect(GET[:-2] + body)
    assert await client.end() <= SLACK
    assert not server.seen


@pytest.mark.parametrize("pace", [1, guard.PACE_BYTES])
async def test_a_slow_body_gets_so_long_and_no_longer(server: Server, pace: int) -> None:
    client = await server.connect(GET[:-2] + b"Content-Length: 1000000\r\n\r\n")
    ending = asyncio.create_task(client.end())
    began = time.monotonic()
    while not ending.done() and time.monotonic() - began < SLACK:
        client.send(bytes(pace))
        await asyncio.wait([ending], timeout=SHORT / 4)
    assert ending.done()
    took = await ending
    assert took > 1.5 * SHORT if pace > 1 else took < 1.9 * SHORT


async def test_a_known_caller_may_take_his_time(server: Server) -> None:
    server.patient = True
    client = await server.connect(GET[:-2] + b"Content-Length: 6\r\n\r\n")
    for _ in range(6):
        await asyncio.sleep(SHORT / 2)
        client.send(b"a")
    assert await client.answer() == (200, b"[aaaaaa]")


async def test_a_slow_node_is_not_the_caller_s_fault(server: Server) -> None:
    server.go_on.clear()
    client = await server.connect(GET[:-2] + b"Content-Length: 3\r\n\r\nabc")
    await asyncio.sleep(3 * SHORT)
    server.go_on.set()
    assert await client.answer() == (200, b"[abc]")


async def test_one_who_is_idle_between_requests_stays(server: Server) -> None:
    client = await server.connect(GET)
    assert await client.answer() == (200, b"[]")
    await asyncio.sleep(2 * SHORT)
    client.send(GET)
    assert await client.answer() == (200, b"[]")


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_requests_come_in_any_pieces_and_each_has_its_answer(
    server: Server, size: int
) -> None:
    sent = (
        b"\r\n" + GET + GET[:-2] + b"Content-Length: 3\r\n\r\nabc" + GET[:-2]
        + b"Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n" + GET
    )  # fmt: skip
    client = await server.connect()
    for at in range(0, len(sent), size):
        client.send(sent[at : at + size])
        await asyncio.sleep(0)
    bodies = [(await client.answer())[1] for _ in range(4)]
    assert bodies == [b"[]", b"[abc]", b"[def]", b"[]"]


async def test_ten_thousand_requests_at_once_are_taken_one_by_one(server: Server) -> None:
    client = await server.connect(GET * 10_000)
    for _ in range(10_000):
        assert await client.answer() == (200, b"[]")
    assert server.most == 1


async def test_what_comes_while_a_request_is_handled_is_bounded(server: Server) -> None:
    server.go_on.clear()
    client = await server.connect(GET)
    piece = bytes(64 * 1024)
    with pytest.raises((TimeoutError, ConnectionError)):
        async with asyncio.timeout(1):
            while True:
                client.send(piece)
                await client.writer.drain()


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n", 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD_BYTES, 431, "headers-too-large"),
        (GET[:-2] + b"X: y\r\n" * MAX_HEADERS + b"\r\n", 431, "headers-too-large"),
        (b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\n\r\n", 414, "target-too-long"),
        (b"\x16\x03\x01\x00", 400, "bad-request"),
        (b"SSH-2.0-x\n\n", 400, "bad-request"),
        (b"NOT HTTP AT ALL\r\n\r\n", 400, "bad-request"),
        (b"GET /\r\nHost: x\r\n\r\n", 400, "bad-request"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400, "bad-request"),
        (GET[:-2] + b"upgrade: \xc7ebsocket\r\n\r\n", 400, "bad-request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400, "bad-request"),
        (b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n", 400, "bad-request"),
        (b"CONNECT x:1 HTTP/1.1\r\n\r\n", 400, "bad-request"),
        (GET[:-2] + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, "bad-request"),
        (GET[:-2] + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400, "bad-request"),
        (GET[:-2] + b"Content-Length: -1\r\n\r\n", 400, "bad-request"),
        (GET[:-2] + b"Content-Length: 1_0\r\n\r\n", 400, "bad-request"),
        (
            GET[:-2] + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "bad-request",
        ),
    ],
)
async def test_a_head_that_cannot_be_is_refused(
    server: Server, sent: bytes, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = await server.connect(sent)
    assert problem(await client.answer()) == (status, code)
    assert await client.end() <= SLACK
    assert not server.seen
    assert not caplog.records


async def test_a_websocket_has_no_deadline_of_ours(server: Server) -> None:
    url = f"http://127.0.0.1:{server.address[1]}/ws"
    async with ClientSession() as session, session.ws_connect(url) as opened:
        await asyncio.sleep(3 * SHORT)
        await opened.send_str("still here")
        assert (await opened.receive(timeout=5)).data == "still here"


async def test_frames_that_come_with_the_upgrade_are_not_lost(server: Server) -> None:
    frame = b"\x81\x82\0\0\0\0hi"
    client = await server.connect(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + frame
    )
    async with asyncio.timeout(5):
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert await client.reader.readexactly(4) == b"\x81\x02hi"


async def test_one_who_reads_nothing_is_left(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "UNSENT_SECONDS", SHORT)
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.connect(server.address)
    with opened:
        opened.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await server.until(lambda: server.seats.taken == 1)
        await server.until(lambda: server.seats.taken == 0)


async def test_one_who_reads_slowly_gets_all(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "UNSENT_SECONDS", 2 * SHORT)
    client = await server.connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    received = 0
    async with asyncio.timeout(10):
        await client.reader.readuntil(b"\r\n\r\n")
        while received < 32 * 1024 * 1024:
            await asyncio.sleep(SHORT / 10)
            received += len(await client.reader.read(1024 * 1024))


async def test_the_end_takes_those_along_who_have_asked_nothing(server: Server) -> None:
    client = await server.connect()
    await server.until(lambda: server.seats.taken == 1)
    server.door.close()
    assert await client.end() <= SHORT


@pytest.mark.parametrize("steps", range(6))
async def test_the_end_while_a_connection_is_beginning(steps: int) -> None:
    async with Server(Seats()).running() as server:
        with socket.create_connection(server.address) as client:
            client.setblocking(False)
            server.door._accept(server.listening)
            for _ in range(steps):
                await asyncio.sleep(0)
            server.door.close()
            await server.until(lambda: server.seats.taken == 0)
            with suppress(ConnectionError):
                assert client.recv(1) == b""


@pytest.mark.parametrize("sent", [b"", GET[:5], b"nonsense\r\n\r\n", GET])
async def test_nothing_is_kept_of_those_who_have_gone(server: Server, sent: bytes) -> None:
    for _ in range(20):
        client = await server.connect(sent)
        await server.until(lambda: server.seats.taken == 1)
        client.writer.transport.abort()
        await server.until(lambda: server.seats.taken == 0)
    assert len(server.door._guards) == 0


async def test_when_all_seats_are_taken_the_idle_make_room() -> None:
    async with Server(Seats(total=4)).running() as server:
        idle = [await server.connect(GET[:5]) for _ in range(4)]
        late = await server.connect(GET)
        assert await late.answer() == (200, b"[]")
        assert await idle[0].end() <= SLACK
        server.go_on.clear()
        for client in [*idle[1:], late]:
            client.send(GET[5:] if client is not late else GET)
        await server.until(lambda: server.under_way == 4)
        assert await server.refuses()
        server.go_on.set()
        for client in [*idle[1:], late]:
            assert await client.answer() == (200, b"[]")


async def test_whom_nobody_admits_is_cut_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    async with Server(Seats(total=0)).running() as server:
        for _ in range(100):
            assert await server.refuses()
        assert server.seats.refused == 100
        assert not caplog.records
