"""Handshakes under way: bounded, and none keeps a newcomer out."""

import asyncio

import pytest

from edgenode.core.errors import Busy
from edgenode.link.anteroom import Anteroom


async def stay(room: Anteroom, address: str) -> str:
    try:
        async with room.place(address):
            await asyncio.Event().wait()
    except Busy:
        return "displaced"
    raise AssertionError("nobody ends the wait")


async def test_the_oldest_of_the_fullest_network_makes_room() -> None:
    room = Anteroom(places=4)
    addresses = ["198.1.1.1", "203.1.1.1", "203.1.1.2", "2a00::1"]
    tasks = [asyncio.create_task(stay(room, address)) for address in addresses]
    await asyncio.sleep(0)
    async with room.place("198.2.1.1"):
        assert len(room) == 4
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert done == {tasks[1]}
        assert tasks[1].result() == "displaced"
    assert len(room) == 3
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(room) == 0


async def test_a_timeout_within_is_its_own() -> None:
    with pytest.raises(TimeoutError):
        async with Anteroom().place("203.1.1.1"):
            raise TimeoutError


async def test_a_flood_leaves_those_of_other_networks_alone() -> None:
    room = Anteroom(places=16)
    honest = asyncio.create_task(stay(room, "198.1.1.1"))
    await asyncio.sleep(0)
    flood = []
    for number in range(1000):
        flood.append(asyncio.create_task(stay(room, f"203.{number % 5}.1.{number % 50}")))
        await asyncio.sleep(0)
    assert not honest.done()
    assert len(room) == 16
    for task in [honest, *flood]:
        task.cancel()
    await asyncio.gather(honest, *flood, return_exceptions=True)
