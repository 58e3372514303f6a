"""Nodes that find one another without being told, and one another again after a cut."""

import asyncio
import sqlite3
from contextlib import closing
from statistics import median

import pytest

from tests.integration.support.wait import eventually
from tests.lab.support.dials import Dials
from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.node import LabNode, LabNodes

# The routers of these homes are asked for nothing, so that only what finds peers is at work.
FOUND = "[nat]\nenabled = false\n[discovery]\nmdns = {mdns}\nmulticast = {multicast}\n"
BY_BOTH = FOUND.format(mdns="true", multicast="true")

NODES = 10
LINKED_S = 3.0


async def linked_ids(node: LabNode) -> set[str]:
    return {peer["nodeId"] for peer in await node.rest.peers() if peer["status"] == "connected"}


async def linked(one: LabNode, other: LabNode) -> float:
    """Return how long after this call the two nodes are linked, as both of them say."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await one.linked_with(other, timeout_s=20)
    await other.linked_with(one, timeout_s=20)
    return loop.time() - began


@pytest.mark.parametrize(
    "way",
    [
        pytest.param("mdns", marks=pytest.mark.full),
        pytest.param("multicast", marks=pytest.mark.full),
        pytest.param("both", marks=pytest.mark.ci),
    ],
)
async def test_ten_nodes_on_a_lan_are_a_mesh_without_any_settings(
    lab: Lab, nodes: LabNodes, way: str
) -> None:
    home = lab.router("home")
    config = FOUND.format(
        mdns=str(way != "multicast").lower(), multicast=str(way != "mdns").lower()
    )
    hosts = [lab.host(f"h{number}", home) for number in range(NODES)]
    running: list[LabNode] = []
    pairs: list[asyncio.Task[float]] = []
    for number, host in enumerate(hosts):
        node = await nodes.start(f"n{number}", host, more_config=config)
        pairs += [asyncio.create_task(linked(node, other)) for other in running]
        running.append(node)
    last = asyncio.get_running_loop().time()
    seconds = await asyncio.gather(*pairs)
    took = asyncio.get_running_loop().time() - last
    print(  # noqa: T201 - the figures are part of the result
        f"{way}: all linked {took:.2f} s after the last start, a pair {median(seconds):.2f} s "
        f"after its second (median), {max(seconds):.2f} s at most"
    )
    ids = {node.node_id for node in running}
    for node in running:
        assert await linked_ids(node) == ids - {node.node_id}
    assert took <= LINKED_S


CUT_S = 60.0
BACK_S = 5.0
# A dial may be under way when the cut begins.
MAX_DIALS = CUT_S + 2


class Cut:
    """A host's network, cut silently or with its interface down, until the end of the context."""

    def __init__(self, host: Host, *, silent: bool) -> None:
        self._host = host
        self._silent = silent

    def __enter__(self) -> None:
        if self._silent:
            self._host.namespace.nft(
                "table inet cut {\nchain in { type filter hook prerouting priority -310;\n"
                'iifname "eth0" drop\n}\n'
                "chain out { type filter hook postrouting priority 300;\n"
                'oifname "eth0" drop\n}\n}\n'
            )
        else:
            self._host.cut()

    def __exit__(self, *_: object) -> None:
        if self._silent:
            self._host.namespace.nft("delete table inet cut")
        else:
            self._host.mend()


async def cut_and_heal(
    lab: Lab, nodes: LabNodes, name: str, *, known: bool, silent: bool
) -> tuple[float, list[int]]:
    """Return the seconds until all is whole again, and the dials of each node during the cut."""
    home = lab.router(f"{name}-router")
    hosts = [lab.host(f"{name}-{letter}", home) for letter in "abc"]
    config = FOUND.format(mdns="false", multicast="false") if known else BY_BOTH
    running: list[LabNode] = []
    for host in hosts:
        knows = [node.host.address for node in running] if known else []
        node = await nodes.start(host.namespace.name, host, knows=knows, more_config=config)
        running.append(node)
    *others, cut = running
    for node in others:
        await linked(node, cut)
    counted = [Dials(host) for host in hosts]
    with Cut(hosts[-1], silent=silent):
        await asyncio.sleep(CUT_S)  # that it lasts so long is what is tested
        dials = [one.count() for one in counted]
    ids = {node.node_id for node in others}

    async def whole() -> bool:
        return await linked_ids(cut) == ids

    healed = asyncio.get_running_loop().time()
    await eventually(whole, f"{name}: it is linked with all again", timeout_s=20)
    return asyncio.get_running_loop().time() - healed, dials


@pytest.mark.ci
async def test_after_a_cut_nodes_are_linked_again_in_seconds_without_a_storm(
    lab: Lab, nodes: LabNodes
) -> None:
    names = {
        f"{'known' if known else 'found'}-{'silent' if silent else 'down'}": (known, silent)
        for known in (True, False)
        for silent in (True, False)
    }
    found = await asyncio.gather(
        *(
            cut_and_heal(lab, nodes, name, known=known, silent=silent)
            for name, (known, silent) in names.items()
        )
    )
    for name, (took, dials) in zip(names, found, strict=True):
        print(f"{name}: back {took:.2f} s after it healed; dials meanwhile {dials}")  # noqa: T201
    for took, dials in found:
        assert took <= BACK_S
        assert max(dials) <= MAX_DIALS


@pytest.mark.ci
async def test_without_those_it_began_with_a_network_stays_whole_and_lets_one_back_in(
    lab: Lab, nodes: LabNodes
) -> None:
    begin = [lab.host(name) for name in ("first", "second")]
    starters = [await nodes.start(host.namespace.name, host) for host in begin]
    rest: list[LabNode] = []
    for number in range(4):
        host = lab.host(f"n{number}")
        rest.append(
            await nodes.start(f"n{number}", host, begins_with=[host.address for host in begin])
        )
    ids = {node.node_id for node in rest}

    async def mesh() -> bool:
        found = [await linked_ids(node) for node in rest]
        return all(ids - {node.node_id} <= one for node, one in zip(rest, found, strict=True))

    await eventually(mesh, "all are linked with all", timeout_s=30)
    for node in starters:
        await node.kill()
    assert await mesh()
    back = rest[-1]
    await back.stop()
    with closing(sqlite3.connect(back.data_dir / "state.db")) as database, database:
        database.execute("DELETE FROM addresses")  # what it was told must not be needed
    since = len(back.lines)
    await back.start()
    for node in rest[:-1]:
        await back.linked_with(node, since=since, timeout_s=20)
    assert await mesh()


@pytest.mark.parametrize("way", ["neighbours", "begins"])
async def test_a_node_that_starts_without_a_network_joins_when_it_comes(
    lab: Lab, nodes: LabNodes, way: str
) -> None:
    home = lab.router("home")
    other, host = lab.host("other", home), lab.host("host", home)
    config = BY_BOTH if way == "neighbours" else FOUND.format(mdns="false", multicast="false")
    config += '[dns]\nseeds = ["seed.example.org"]\n'
    there = await nodes.start("other", other, more_config=config)
    host.cut()
    begins_with = [] if way == "neighbours" else [other.address]
    node = await nodes.start("node", host, begins_with=begins_with, more_config=config)
    assert await linked_ids(node) == set()
    host.mend()
    await node.linked_with(there, timeout_s=BACK_S)
