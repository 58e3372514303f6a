"""Nodes whose clocks are wrong by years, or jump, find and keep one another like any others."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from tests.lab.support.dials import Dials
from tests.lab.support.faketime import WallClock, obstacle
from tests.lab.support.lab import Lab
from tests.lab.support.node import LabNode, LabNodes

pytestmark = pytest.mark.ci  # libfaketime is not what `make test` installs

LINKED_S = 10.0
CONFIG = "[nat]\nenabled = false\n[discovery]\nmdns = {mdns}\nmulticast = {multicast}\n"


async def year_of(node: LabNode) -> int:
    """Return the year in which a node believes that its peers were seen."""
    (peer,) = [peer for peer in await node.rest.peers() if peer["status"] == "connected"]
    return datetime.fromisoformat(peer["since"]).year


async def is_kept(lab: Lab, nodes: LabNodes, clock: WallClock, way: str) -> None:
    """Link a node with one whose clock is wrong, `way` as it is found; let the clock jump."""
    home = lab.router(f"{way}-router")
    hosts = [lab.host(f"{way}-{name}", home) for name in ("right", "wrong")]
    config = CONFIG.format(
        mdns=str(way == "mdns").lower(), multicast=str(way == "multicast").lower()
    )
    right = await nodes.start(f"{way}-right", hosts[0], more_config=config)
    begins_with = [hosts[0].address] if way == "bootstrap" else []
    wrong = await nodes.start(
        f"{way}-wrong", hosts[1], begins_with=begins_with, more_config=config, within=clock.within
    )
    await wrong.linked_with(right, timeout_s=LINKED_S)
    await right.linked_with(wrong, timeout_s=LINKED_S)
    assert await year_of(right) - await year_of(wrong) in (19, 20, 21)
    dials = [Dials(host) for host in hosts]
    for offset in ("+30y", "-5y", "+0"):
        clock.set(offset)
        await asyncio.sleep(2.5)  # that nothing happens is what is tested
        assert (await wrong.rest.status())["peers"] == 1
        assert (await right.rest.status())["peers"] == 1
    assert [one.count() for one in dials] == [0, 0]
    # And who was lost while the clock is wrong is found again.
    clock.set("-20y")
    await right.stop()
    await right.start()
    await wrong.linked_with(right, timeout_s=LINKED_S)


async def test_a_wrong_clock_keeps_nobody_away(lab: Lab, nodes: LabNodes, tmp_path: Path) -> None:
    if obstacle():
        pytest.skip(obstacle())
    ways = ("mdns", "multicast", "bootstrap")
    clocks = [WallClock(tmp_path / way, "-20y") for way in ways]
    await asyncio.gather(
        *(is_kept(lab, nodes, clock, way) for clock, way in zip(clocks, ways, strict=True))
    )
