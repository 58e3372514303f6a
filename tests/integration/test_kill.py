"""SIGKILL at random moments of puts and fetches: what was acknowledged stays, nothing is torn."""

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from tests.integration.support.files import block_id
from tests.integration.support.load import Load
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes

LONGEST_S = 0.8
"""The kill comes at a moment between none and this after both are linked again."""

RELINK_S = 60.0
"""Back-off grows while A is down."""


@pytest.mark.parametrize("kills", [6, pytest.param(50, marks=pytest.mark.ci)])
async def test_kills_cost_nothing_that_was_acknowledged(nodes: Nodes, kills: int) -> None:
    seed = int(os.environ.get("EDGENODE_TEST_SEED", random.randrange(2**32)))
    sys.stdout.write(f"EDGENODE_TEST_SEED={seed}\n")
    moments = random.Random(seed)
    a, b = await nodes.pair()
    # In pairs, for the back-off of B begins anew only when B does.
    victims = [victim for _ in range(kills // 2) for victim in moments.sample([a, b], 2)]
    sound = {a: SoundFiles(a), b: SoundFiles(b)}
    async with Load(a, b, seed) as load:
        for victim in victims:
            await asyncio.sleep(moments.uniform(0, LONGEST_S))
            load.check()
            seen = {node: len(node.lines) for node in (a, b)}
            load.up[victim].clear()
            await victim.kill()
            held = sound[victim].check()
            promised = set(load.put) if victim is a else set(load.fetched)
            assert promised <= held, "acknowledged, and not held after the kill"
            await victim.start()
            load.up[victim].set()
            await a.linked_with(b, since=seen[a], timeout_s=RELINK_S)
            await b.linked_with(a, since=seen[b], timeout_s=RELINK_S)
    sys.stdout.write(f"{len(load.put)} blocks put, {len(load.fetched)} of them fetched\n")
    assert load.fetched

    for name, content in load.put.items():
        for node, promised in ((a, set(load.put)), (b, load.fetched)):
            if name in promised:
                answer = await node.rest.get(name, local=True)
                assert (answer.status, answer.body == content) == (200, True)
    for node in (a, b):
        await node.stop()
        sound[node].check()
        assert not list((node.data_dir / "blocks" / "quarantine").iterdir())
        assert not any("ERROR" in line or "Traceback" in line for line in node.lines)


class SoundFiles:
    """The block files of a node, each hashed once and again when it has changed."""

    def __init__(self, node: Node) -> None:
        self._folder = node.data_dir / "blocks"
        self._known: dict[Path, tuple[int, int, int]] = {}

    def check(self) -> set[str]:
        """Hash what is new; return the ids held."""
        held = set()
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            status = path.stat()
            state = (status.st_size, status.st_mtime_ns, status.st_ino)
            if self._known.get(path) != state:
                assert block_id(path.read_bytes()) == path.name, "a torn block"
                self._known[path] = state
            held.add(path.name)
        return held
