"""The stub resolver against servers that behave and servers that do not."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from edgenode.core.dns import AAAA, NXDOMAIN, SRV, A
from edgenode.discover.resolver import MAX_ASKING, MAX_STRAYS, ResolveFailed, Resolver
from tests.unit.discover.fake_dns import (
    SERVFAIL,
    FakeDns,
    Reply,
    answer,
    fitting,
    free_port,
    record,
    truncated,
)

FIRST, SECOND, THIRD = "127.0.0.1", "127.0.0.2", "127.0.0.3"
PLAIN = record(A, b"\x01\x02\x03\x04")
FORGED = record(A, b"\x06\x06\x06\x06")
TIMEOUT_S = 10.0


def good(question: bytes) -> Sequence[bytes]:
    return [answer(question, [PLAIN])]


def silent(_: bytes) -> Sequence[bytes]:
    return []


def failing(question: bytes) -> Sequence[bytes]:
    return [answer(question, result=SERVFAIL)]


class Servers:
    """Fakes at the addresses of resolv.conf, and a resolver that asks them."""

    def __init__(self, folder: Path) -> None:
        self.resolv_conf = folder / "resolv.conf"
        self.port = free_port((FIRST, SECOND, THIRD))
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Servers":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def name(self, *hosts: str, more: str = "") -> None:
        lines = "".join(f"nameserver {host}\n" for host in hosts)
        self.resolv_conf.write_text(lines + more)

    async def add(self, host: str, reply: Reply, tcp_reply: Reply | None = None) -> FakeDns:
        return await self._stack.enter_async_context(FakeDns(host, self.port, reply, tcp_reply))

    def resolver(self, timeout_s: float = TIMEOUT_S) -> Resolver:
        return Resolver(timeout_s=timeout_s, resolv_conf=self.resolv_conf, port=self.port)


@pytest.fixture
async def servers(tmp_path: Path) -> Servers:
    return Servers(tmp_path)


async def test_asks_once_and_takes_the_answer(servers: Servers) -> None:
    async with servers:
        servers.name(FIRST, SECOND)
        first, second = await servers.add(FIRST, good), await servers.add(SECOND, good)
        found = await servers.resolver().ask("seed.example", A)
    assert found.addresses == [b"\x01\x02\x03\x04"]
    assert [(asked.transport, asked.name) for asked in first.asked] == [("udp", "seed.example")]
    assert second.asked == []


async def test_ids_and_ports_are_drawn_anew(servers: Servers) -> None:
    async with servers:
        servers.name(FIRST)
        server = await servers.add(FIRST, good)
        resolver = servers.resolver()
        for _ in range(8):
            await resolver.ask("seed.example", A)
    assert len({asked.message[:2] for asked in server.asked}) > 4
    assert len({asked.source for asked in server.asked}) > 4


def _other_id(question: bytes) -> bytes:
    return bytes((question[0] ^ 1,)) + answer(question, [FORGED])[1:]


def _other_name(question: bytes) -> bytes:
    return answer(question, [FORGED]).replace(b"\x04seed", b"\x04feed")


def _other_type(question: bytes) -> bytes:
    return answer(question[:-4] + b"\x00\x1c\x00\x01", [FORGED])


def _no_answer(question: bytes) -> bytes:
    return question


def _loop(question: bytes) -> bytes:
    here = len(question)
    owner = bytes((0xC0 | here >> 8, here & 0xFF))
    return answer(question, [owner + FORGED[2:]])


def _cut(question: bytes) -> bytes:
    return answer(question, [FORGED])[:-1]


def _garbage(_: bytes) -> bytes:
    return b"\xff" * 40


@pytest.mark.parametrize(
    "lie", [_other_id, _other_name, _other_type, _no_answer, _loop, _cut, _garbage]
)
async def test_what_is_no_answer_is_not_taken(
    servers: Servers, lie: Callable[[bytes], bytes]
) -> None:
    """It waits on for the answer, which may come after it."""
    async with servers:
        servers.name(FIRST)
        server = await servers.add(FIRST, lambda question: [lie(question), *good(question)])
        found = await servers.resolver().ask("seed.example", A)
        assert found.addresses == [b"\x01\x02\x03\x04"]
        assert len(server.asked) == 1


async def test_answers_from_elsewhere_are_not_heard(servers: Servers) -> None:
    """From another address, and from another port of the server's."""
    loop = asyncio.get_running_loop()
    async with servers, AsyncExitStack() as stack:
        senders = []
        for host in (SECOND, FIRST):
            sender, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, local_addr=(host, 0)
            )
            stack.callback(sender.close)
            senders.append(sender)
        servers.name(FIRST)
        server = await servers.add(FIRST, silent)
        task = asyncio.create_task(servers.resolver(timeout_s=0.5).ask("seed.example", A))
        await server.heard.wait()
        for sender in senders:
            sender.sendto(answer(server.asked[0].message, [FORGED]), server.asked[0].source)
        with pytest.raises(ResolveFailed, match="no answer"):
            await task


async def test_a_flood_of_what_is_no_answer_ends(servers: Servers) -> None:
    async with servers:
        servers.name(FIRST, SECOND)
        await servers.add(FIRST, lambda question: [_other_id(question)] * MAX_STRAYS)
        await servers.add(SECOND, good)
        async with asyncio.timeout(TIMEOUT_S / 4):
            found = await servers.resolver(timeout_s=TIMEOUT_S * 10).ask("seed.example", A)
    assert found.addresses


@pytest.mark.parametrize("bad", [silent, failing, None], ids=["silent", "failing", "absent"])
async def test_the_next_server_is_asked(servers: Servers, bad: Reply | None) -> None:
    async with servers:
        servers.name(FIRST, SECOND)
        if bad is not None:
            await servers.add(FIRST, bad)
        await servers.add(SECOND, good)
        # A silent one has a quarter of it: two are asked twice.
        found = await servers.resolver(timeout_s=2.0).ask("seed.example", A)
    assert found.addresses


async def test_a_lost_question_is_asked_again(servers: Servers) -> None:
    heard: list[bytes] = []

    def second_time(question: bytes) -> Sequence[bytes]:
        heard.append(question)
        return good(question) if len(heard) > 1 else []

    async with servers:
        servers.name(FIRST)
        await servers.add(FIRST, second_time)
        found = await servers.resolver(timeout_s=1.0).ask("seed.example", A)
    assert found.addresses


async def test_no_server_answers(servers: Servers) -> None:
    loop = asyncio.get_running_loop()
    async with servers:
        servers.name(FIRST, SECOND, THIRD, more="options attempts:1\n")
        first, second = await servers.add(FIRST, silent), await servers.add(SECOND, failing)
        began_s = loop.time()
        with pytest.raises(ResolveFailed) as failed:
            await servers.resolver(timeout_s=0.6).ask("seed.example", A)
        assert loop.time() - began_s < 0.6
    assert str(failed.value) == (
        "127.0.0.1: no answer, 127.0.0.2: error 2, 127.0.0.3: Connection refused"
    )
    assert len(first.asked) == len(second.asked) == 1


async def test_what_is_absent_is_an_answer(servers: Servers) -> None:
    async with servers:
        servers.name(FIRST, SECOND)
        await servers.add(FIRST, lambda question: [answer(question, result=NXDOMAIN)])
        second = await servers.add(SECOND, good)
        found = await servers.resolver().ask("seed.example", AAAA)
    assert (found.result, found.addresses, second.asked) == (NXDOMAIN, [], [])


def _thousand(question: bytes) -> Sequence[bytes]:
    return [answer(question, [record(A, bytes((10, 0, at >> 8, at & 255))) for at in range(1000)])]


async def test_what_is_cut_is_asked_for_by_tcp(servers: Servers) -> None:
    async with servers:
        servers.name(FIRST)
        server = await servers.add(FIRST, fitting(_thousand), _thousand)
        found = await servers.resolver().ask("seed.example", A)
    assert len(found.addresses) == 1000
    assert [asked.transport for asked in server.asked] == ["udp", "tcp"]


async def test_a_longer_datagram_than_should_be_is_taken(servers: Servers) -> None:
    async with servers:
        servers.name(FIRST)
        server = await servers.add(FIRST, lambda question: [answer(question, [PLAIN] * 60)])
        found = await servers.resolver(timeout_s=0.5).ask("seed.example", A)
    assert len(found.addresses) == 60
    assert [asked.transport for asked in server.asked] == ["udp"]


async def test_questions_at_once_are_bounded(servers: Servers) -> None:
    async def heard(count: int) -> None:
        while len(server.asked) < count:
            server.heard.clear()
            await server.heard.wait()

    async with servers, asyncio.timeout(TIMEOUT_S):
        servers.name(FIRST)
        server = await servers.add(FIRST, silent)
        resolver = servers.resolver(timeout_s=TIMEOUT_S)
        asking = [resolver.ask("seed.example", A) for _ in range(MAX_ASKING + 5)]
        tasks = [asyncio.create_task(one) for one in asking]
        await heard(MAX_ASKING)
        await asyncio.sleep(0.05)
        assert len(server.asked) == MAX_ASKING
        for task in tasks[:5]:
            task.cancel()
        await heard(MAX_ASKING + 5)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.mark.parametrize(
    ("by_tcp", "reason"),
    [
        (lambda question: [_other_id(question)], "not an answer"),
        (lambda question: [truncated(question)], "cut even by TCP"),
        (lambda question: [b""], "cut short"),
        (lambda _: [], "ended early"),
    ],
)
async def test_tcp_that_gives_nothing(servers: Servers, by_tcp: Reply, reason: str) -> None:
    async with servers:
        servers.name(FIRST, more="options attempts:1\n")
        await servers.add(FIRST, lambda question: [truncated(question)], by_tcp)
        with pytest.raises(ResolveFailed, match=reason):
            await servers.resolver().ask("seed.example", A)


async def test_the_file_is_read_at_each_question(servers: Servers) -> None:
    async with servers:
        await servers.add(SECOND, good)
        resolver = servers.resolver()
        with pytest.raises(ResolveFailed, match=r"127\.0\.0\.1: Connection refused"):
            await resolver.ask("seed.example", A)  # no file: the server of this host
        servers.name(SECOND)
        assert (await resolver.ask("seed.example", A)).addresses


async def test_what_is_no_name_is_not_asked_for(servers: Servers) -> None:
    async with servers:
        servers.name(FIRST)
        server = await servers.add(FIRST, good)
        with pytest.raises(ResolveFailed, match="not a name"):
            await servers.resolver().ask("a name", SRV)
    assert server.asked == []


async def test_an_interface_that_is_not_there(servers: Servers) -> None:
    async with servers:
        servers.name("fe80::1%nothing9", "::1", SECOND)
        await servers.add(SECOND, good)
        assert (await servers.resolver().ask("seed.example", A)).addresses


async def test_no_question_outlives_being_cancelled(servers: Servers) -> None:
    async with servers:
        servers.name(FIRST)
        server = await servers.add(FIRST, silent)
        resolver = servers.resolver()
        tasks = [asyncio.create_task(resolver.ask("seed.example", A)) for _ in range(20)]
        await server.heard.wait()
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(entry, asyncio.CancelledError) for entry in done)
