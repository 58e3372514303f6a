"""Homes whose routers open no port: hole punching, call-backs, and a third node that passes on."""

import pytest

from tests.lab.support.blocks import BLOCK, FETCH_S, relayed, told_of
from tests.lab.support.lab import Lab
from tests.lab.support.miniupnpd import Offers
from tests.lab.support.node import LabNodes

PUNCHED_S = 15.0
ATTEMPTS = 50
MIN_RATE = 0.7
"""Of punching in the wild (arXiv 2510.27500); between two of the kernel's NATs more is expected."""


async def test_homes_link_by_hole_punching(lab: Lab, nodes: LabNodes) -> None:
    meeting = lab.host("public")
    middle = await nodes.start("public", meeting)
    pair = []
    for name in ("a", "b"):
        home = lab.home(name, None, ipv6=False)
        pair.append(await nodes.start(name, home.host, knows=[meeting.address]))
        await pair[-1].linked_with(middle)
    a, b = pair
    await a.linked_with(b, timeout_s=PUNCHED_S)
    await b.linked_with(a, timeout_s=PUNCHED_S)
    held = await a.rest.post(BLOCK)
    assert (await b.rest.get(held)).body == BLOCK
    assert await relayed(middle) == 0


@pytest.mark.full
async def test_rate_of_hole_punching(lab: Lab, nodes: LabNodes) -> None:
    meeting = lab.host("public")
    middle = await nodes.start("public", meeting)
    homes = [lab.home(name, None, ipv6=False) for name in ("a", "b")]
    succeeded = 0
    for number in range(ATTEMPTS):
        a, b = [
            await nodes.start(f"{name}{number}", home.host, knows=[meeting.address])
            for name, home in zip("ab", homes, strict=True)
        ]
        await a.linked_with(middle)
        await b.linked_with(middle)
        try:
            await a.linked_with(b, timeout_s=PUNCHED_S)
            succeeded += 1
        except AssertionError:
            pass  # counted
        await a.stop()
        await b.stop()
    print(f"hole punching: {succeeded} of {ATTEMPTS}")  # noqa: T201 - the rate is the result
    assert succeeded >= MIN_RATE * ATTEMPTS


@pytest.mark.parametrize("giver", ["reachable", "unreachable"])
async def test_with_one_side_reachable_no_byte_goes_through_the_third(
    lab: Lab, nodes: LabNodes, giver: str
) -> None:
    meeting = lab.host("public")
    middle = await nodes.start("public", meeting)
    open_home = lab.home("open", Offers(), ipv6=False)
    shut_home = lab.home("shut", None, ipv6=False, random_ports=True)
    reachable = await nodes.start("open", open_home.host, knows=[meeting.address])
    await reachable.has_verdict("mapped", verified=True)
    shut = await nodes.start("shut", shut_home.host, knows=[meeting.address])
    await shut.linked_with(middle)
    source, target = (reachable, shut) if giver == "reachable" else (shut, reachable)
    held = await source.rest.post(BLOCK)
    await told_of(target, held)
    assert (await target.rest.get(held, total_s=FETCH_S)).body == BLOCK
    assert await relayed(middle) == 0
