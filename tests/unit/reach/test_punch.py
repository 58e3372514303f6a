"""Hole punching, on loopback: asking for the outer port, and connecting from the inner one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from edgenode.reach import punch as module
from edgenode.reach.punch import Hole, observed_port, open_hole, punch

HERE = "127.0.0.1"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def observer(answer: Answer, host: str = HERE) -> AsyncIterator[int]:
    """Listen; give each caller to `answer`, and end when all of them are gone."""
    callers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        callers.add(task)
        try:
            await answer(reader, writer)
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if callers:
            _, late = await asyncio.wait(callers, timeout=5)
            for task in late:
                task.cancel()
            assert not late, "a connection was left open"


def tells(*pieces: bytes) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return answer


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize("host", [HERE, "::1"])
async def test_the_outer_port_is_what_the_observer_says(host: str) -> None:
    heard = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(HEAD + b'{"address": "8.8.8.8", "port": 40001}')

    async with observer(answer, host) as port:
        hole = await open_hole(host, port)
        assert hole.port == 40001
        assert hole.local[0] == host
        hole.close()
    [request] = heard
    shown = f"[{host}]" if ":" in host else host
    assert request.startswith(b"GET /observed HTTP/1.1\r\n")
    assert f"\r\nHost: {shown}:{port}\r\n".encode() in request


async def test_an_answer_may_come_in_pieces() -> None:
    answer = HEAD + b'{"port": 40001}'
    async with observer(tells(*(bytes((byte,)) for byte in answer))) as port:
        hole = await open_hole(HERE, port)
        assert hole.port == 40001
        hole.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n{}",
        HEAD + b"{}",
        HEAD + b'{"port": 0}',
        HEAD + b'{"port": 65536}',
        HEAD + b'{"port": "40001"}',
        HEAD + b'{"port": 1, "port": 2}',
        HEAD + b"\xff}",
        HEAD + b'{"a":' * 600 + b"1" + b"}" * 600,
        b"A" * 20000,
        HEAD + b" " * 20000,
    ],
)
async def test_an_answer_that_makes_no_sense_is_an_error(answer: bytes) -> None:
    async with observer(tells(answer)) as port:
        with pytest.raises(OSError) as raised:
            await open_hole(HERE, port)
    assert not isinstance(raised.value, TimeoutError)


async def test_one_who_hangs_up_or_is_not_there_is_an_error() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with observer(hang_up) as port:
        with pytest.raises(OSError):
            await open_hole(HERE, port)
    with pytest.raises(OSError):
        await open_hole(HERE, free_port())


async def test_one_who_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OBSERVE_TIMEOUT_S", 0.05)
    async with observer(tells(HEAD + b'{"port"')) as port:
        with pytest.raises(TimeoutError):
            await open_hole(HERE, port)


async def test_a_wait_for_the_answer_can_be_cancelled() -> None:
    asked = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()

    async with observer(answer) as port:
        task = asyncio.create_task(open_hole(HERE, port))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_an_answer_is_whole_or_not_yet() -> None:
    answer = HEAD + b'{"address": "8.8.8.8", "port": 40001}'
    for length in range(len(answer)):
        assert observed_port(answer[:length]) is None
    assert observed_port(answer) == 40001


@asynccontextmanager
async def hole() -> AsyncIterator[Hole]:
    """A hole whose outer port is the inner one, as nothing translates on loopback."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        own = writer.get_extra_info("peername")[1]
        writer.write(HEAD + f'{{"port": {own}}}'.encode())

    async with observer(answer) as port:
        made = await open_hole(HERE, port)
        assert made.port == made.local[1]
        try:
            yield made
        finally:
            made.close()


async def swap(one: socket.socket, other: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    for sender, receiver in ((one, other), (other, one)):
        await loop.sock_sendall(sender, b"hello")
        assert await loop.sock_recv(receiver, 16) == b"hello"


async def test_one_that_is_late_is_waited_for() -> None:
    """Loopback answers a SYN before the other side's can be sent, so the other side listens."""
    async with hole() as a, hole() as b:
        first = asyncio.create_task(punch(a, HERE, b.port))
        await asyncio.sleep(3 * module.AGAIN_S)
        assert not first.done()
        with module._new_socket(HERE) as listening:
            listening.bind(b.local)
            listening.listen(1)
            other, address = await asyncio.get_running_loop().sock_accept(listening)
            with other, await first as one:
                assert address == one.getsockname() == a.local
                assert one.getpeername() == b.local
                assert not one.getblocking()
                await swap(one, other)


async def test_where_nobody_comes_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PUNCH_TIMEOUT_S", 0.3)
    tries = []
    new_socket = module._new_socket

    def counted(address: str) -> socket.socket:
        tries.append(new_socket(address))
        return tries[-1]

    async with hole() as a:
        monkeypatch.setattr(module, "_new_socket", counted)
        with pytest.raises(TimeoutError):
            await punch(a, HERE, free_port())
    assert 2 <= len(tries) <= 0.3 / module.AGAIN_S + 1
    assert all(attempt.fileno() == -1 for attempt in tries)


async def test_an_address_of_the_other_family_is_an_error() -> None:
    async with hole() as a:
        with pytest.raises(OSError):
            await punch(a, "::1", 4242)


async def test_an_attempt_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []
    new_socket = module._new_socket

    def counted(address: str) -> socket.socket:
        tries.append(new_socket(address))
        return tries[-1]

    loop = asyncio.get_running_loop()
    with socket.socket() as full, socket.socket() as one:
        full.bind((HERE, 0))
        full.listen(0)
        one.setblocking(False)
        await loop.sock_connect(one, full.getsockname())  # and no other is let in
        async with hole() as a:
            monkeypatch.setattr(module, "_new_socket", counted)
            task = asyncio.create_task(punch(a, *full.getsockname()))
            await asyncio.sleep(2 * module.AGAIN_S)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    [attempt] = tries
    assert attempt.fileno() == -1


async def test_nobody_is_led_to_connect_to_himself() -> None:
    async with hole() as a:
        with pytest.raises(OSError):
            await punch(a, *a.local)
