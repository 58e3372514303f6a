"""Questions to a gateway over UDP: asked again, answered by nobody else, and over in time."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from edgenode.reach import datagram
from edgenode.reach.datagram import MAX_STRAYS, ask
from edgenode.reach.method import Gateway, MappingFailed
from tests.unit.reach.fake_gateway import (
    GATEWAY_IPV4,
    OWN_IPV4,
    FakeGateway,
    Script,
    always,
    fake_gateway,
    in_turn,
    silent,
)

# So short that a test may wait for it, and long enough for some questions.
SHORT_S = 0.2


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again after less than a person would notice."""
    monkeypatch.setattr(datagram, "FIRST_WAIT_S", 0.02)


def read(answer: bytes) -> bytes | None:
    return answer if answer == b"right" else None


async def asked(fake: FakeGateway, deadline_s: float = 5.0) -> bytes:
    return await ask(fake.gateway, fake.port, b"question", read, deadline_s=deadline_s)


async def failure(script: Script) -> tuple[str, int]:
    """Ask such a gateway; give the reason of the failure and how often it was asked."""
    with fake_gateway(script) as fake, pytest.raises(MappingFailed) as caught:
        await asked(fake, SHORT_S)
    return caught.value.reason, len(fake.requests)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_asks_again_until_there_is_an_answer() -> None:
    with fake_gateway(in_turn(silent, silent, always(b"right"))) as fake:
        assert await asked(fake) == b"right"
    assert fake.requests == [b"question"] * 3
    assert len(set(fake.senders)) == 1


async def test_each_wait_is_twice_the_one_before() -> None:
    """20, 40 and 80 ms, and what is left: four questions; ten if the waits were alike."""
    reason, times = await failure(silent)
    assert reason == "no-answer"
    assert 2 <= times <= 4


def test_the_times() -> None:
    """Those of the RFC, four questions in all: at 0, 250, 750 and 1750 ms."""
    assert datagram.ANSWER_DEADLINE_S == 3.0
    assert datagram.DELETE_DEADLINE_S < 0.5


async def test_garbage_is_no_answer() -> None:
    reason, times = await failure(always(b"wrong", b""))
    assert reason == "malformed"
    assert 2 <= times <= 4


async def test_nobody_there_fails_at_once() -> None:
    with fake_gateway(silent) as fake:
        port = fake.port
    gateway = Gateway(GATEWAY_IPV4, "lo", OWN_IPV4, ipv6=False)
    with pytest.raises(MappingFailed, match="Connection refused") as caught:
        await ask(gateway, port, b"question", read, deadline_s=60)
    assert caught.value.reason == "no-answer"


@pytest.mark.parametrize(
    "gateway",
    [
        Gateway(GATEWAY_IPV4, "lo", "192.0.2.1", ipv6=False),
        Gateway("fe80::1", "no-such-thing", "::1", ipv6=True),
    ],
)
async def test_an_address_or_interface_that_has_gone(gateway: Gateway) -> None:
    before = open_files()
    with pytest.raises(MappingFailed) as caught:
        await ask(gateway, 5351, b"question", read, deadline_s=60)
    assert caught.value.reason == "no-answer"
    assert open_files() == before


async def test_only_the_gateway_is_heard() -> None:
    """Not another address, and not another port of the gateway."""
    with (
        fake_gateway(silent) as fake,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour,
    ):
        stranger.bind(("127.0.0.7", fake.port))
        neighbour.bind((GATEWAY_IPV4, 0))
        asking = asyncio.ensure_future(asked(fake, SHORT_S))
        await fake.asked.wait()
        for sock in (stranger, neighbour):
            with suppress(ConnectionRefusedError):
                sock.sendto(b"right", fake.senders[0])
        with pytest.raises(MappingFailed) as caught:
            await asking
    assert caught.value.reason == "no-answer"


async def test_cancelled_it_leaves_nothing() -> None:
    with fake_gateway(silent) as fake:
        before = open_files()
        asking = asyncio.ensure_future(asked(fake))
        await fake.asked.wait()
        assert open_files() == before + 1
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert open_files() == before


async def test_a_flood_ends_it_and_lets_others_run() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.ensure_future(turn())
    with (
        fake_gateway(always(*[b"wrong"] * 10 * MAX_STRAYS)) as fake,
        pytest.raises(MappingFailed, match="flood") as caught,
    ):
        await asked(fake)
    others.cancel()
    assert caught.value.reason == "malformed"
    assert turns >= MAX_STRAYS


async def test_what_read_raises_passes() -> None:
    def refuse(_answer: bytes) -> None:
        raise MappingFailed("refused", "no")

    with fake_gateway(always(b"right")) as fake, pytest.raises(MappingFailed, match="refused"):
        await ask(fake.gateway, fake.port, b"question", refuse, deadline_s=5)


async def test_ipv6() -> None:
    with fake_gateway(always(b"right"), ipv6=True) as fake:
        assert await asked(fake) == b"right"
    assert fake.senders[0][0] == "::1"
