"""Serving dial-backs: what is never dialled, and how much at once and in a minute."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from edgenode.core.reachevents import (
    ASK,
    BUSY,
    DECLINED,
    REACHED,
    RESULT,
    UNREACHED,
    DialBack,
)
from edgenode.reach.prober import (
    MAX_AT_ONCE,
    MAX_IN_WINDOW,
    MAX_OF_PEER_IN_WINDOW,
    WINDOW_S,
    Prober,
)

NONCE = b"n" * 16
ASKER = "5.6.7.8"


class Bench:
    """A prober whose connections are made up, and what it replies."""

    def __init__(self) -> None:
        self.knocks: list[tuple[str, int, bytes, str]] = []
        self.replies: list[DialBack] = []
        self.outcome = True
        self.gate: asyncio.Event | None = None
        self.prober = Prober(asyncio.get_running_loop().time, self.knock)

    async def knock(self, address: str, port: int, nonce: bytes, source: str) -> bool:
        self.knocks.append((address, port, nonce, source))
        if self.gate is not None:
            await self.gate.wait()
        return self.outcome

    def ask(self, peer: str = "peer", address: str = ASKER) -> None:
        ask = DialBack(ASK, NONCE, port=4243)
        self.prober.serve(peer, address, "9.9.9.9", ask, self.replies.append)

    async def asked(self, peer: str = "peer", address: str = ASKER) -> str:
        """Ask, and return what is replied once nothing is under way any more."""
        before = len(self.replies)
        self.ask(peer, address)
        await asyncio.sleep(0.01)
        assert len(self.replies) == before + 1
        return self.replies[-1].result


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.prober.close()


async def test_the_askers_own_address_is_dialled_and_the_outcome_told(bench: Bench) -> None:
    assert await bench.asked() == REACHED
    bench.outcome = False
    assert await bench.asked(address="2a01:4f8::7") == UNREACHED
    assert bench.knocks == [
        (ASKER, 4243, NONCE, "9.9.9.9"),
        ("2a01:4f8::7", 4243, NONCE, "9.9.9.9"),
    ]
    reply = bench.replies[0]
    assert (reply.op, reply.nonce, reply.address) == (RESULT, NONCE, ASKER)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.1.1",
        "100.64.0.1",
        "224.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "203.0.113.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:192.168.1.1",
        "::ffff:5.6.7.8",
    ],
)
async def test_no_other_address_than_a_global_one_is_dialled(bench: Bench, address: str) -> None:
    assert await bench.asked(address=address) == DECLINED
    assert bench.knocks == []


@pytest.mark.parametrize("address", ["", "fe80::1%eth0", "node.example", "5.6.7.8:80"])
async def test_what_is_no_address_has_no_effect(bench: Bench, address: str) -> None:
    bench.ask(address=address)
    await asyncio.sleep(0.01)
    assert (bench.knocks, bench.replies) == ([], [])


async def test_one_peer_gets_so_many_in_a_minute(bench: Bench) -> None:
    for _ in range(MAX_OF_PEER_IN_WINDOW):
        assert await bench.asked() == REACHED
    for _ in range(1000):
        assert await bench.asked() == BUSY
    assert len(bench.knocks) == MAX_OF_PEER_IN_WINDOW
    assert await bench.asked("another") == REACHED
    await asyncio.sleep(WINDOW_S)
    assert await bench.asked() == REACHED


async def test_all_together_get_so_many_in_a_minute(bench: Bench) -> None:
    for number in range(10 * MAX_IN_WINDOW):
        await bench.asked(f"peer {number}")
    assert len(bench.knocks) == MAX_IN_WINDOW
    await asyncio.sleep(WINDOW_S)
    assert await bench.asked() == REACHED


async def test_so_many_are_under_way_at_once(bench: Bench) -> None:
    bench.gate = asyncio.Event()
    for number in range(2 * MAX_AT_ONCE):
        bench.ask(f"peer {number}")
    await asyncio.sleep(0.01)
    assert len(bench.knocks) == MAX_AT_ONCE
    assert [reply.result for reply in bench.replies] == [BUSY] * MAX_AT_ONCE
    bench.gate.set()
    await asyncio.sleep(0.01)
    assert [reply.result for reply in bench.replies[MAX_AT_ONCE:]] == [REACHED] * MAX_AT_ONCE
    assert await bench.asked("one more") == REACHED


async def test_close_ends_what_is_under_way(bench: Bench) -> None:
    bench.gate = asyncio.Event()
    bench.ask()
    await asyncio.sleep(0.01)
    await bench.prober.close()
    assert len(asyncio.all_tasks()) == 1
    assert bench.replies == []
