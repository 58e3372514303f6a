"""Debian's Prometheus and promtool take what a node and its files say."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.support.nodes import Nodes
from tests.integration.support.wait import eventually
from tests.monitoring.files import CONFIG, RULES, rules
from tests.monitoring.prometheus import FIRES_S, SCRAPED_S, Prometheus

pytestmark = pytest.mark.ci


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with Nodes(tmp_path) as made:
        yield made


def promtool(*arguments: str | Path, data: str = "") -> str:
    done = subprocess.run(
        ["promtool", *arguments],
        input=data,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_rules_and_the_example_are_valid() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", RULES)
    promtool("check", "config", CONFIG)


async def test_the_metrics_of_a_node_are_clean(nodes: Nodes) -> None:
    _, node = await nodes.pair()
    await node.rest.post(b"block")
    async with nodes.session.get(f"{node.rest.base}/metrics") as response:
        text = await response.text()
    assert 'edgenode_links{direction="out"} 1' in text
    assert promtool("check", "metrics", data=text) == ""


NODE = '{instance="pi", job="edgenode"}'


class Case(NamedTuple):
    """Series of one sample a minute in which an alert fires, and others in which it does not."""

    alert: str
    minutes: int
    fires: dict[str, str]
    silent: dict[str, str]


def labels(more: str) -> str:
    return NODE[:-1] + ", " + more + "}"


def lag(le: str) -> str:
    return "edgenode_event_loop_lag_seconds_bucket" + labels(f'le="{le}"')


GIB = 1024**3
FAMILIES = [labels(f'family="{family}"') for family in ("ipv4", "ipv6")]
LOST = {
    "edgenode_port_mapping_wanted" + NODE: "1x30",
    "edgenode_port_mappings" + FAMILIES[0]: "1x10 0x20",
    "edgenode_port_mappings" + FAMILIES[1]: "0x30",
    "edgenode_port_mappings_lost_total" + NODE: "0x10 1x20",
}
CASES = [
    Case("EdgenodeDown", 5, {"up" + NODE: "1x1 0x10"}, {"up" + NODE: "1x2 0x1 1x10"}),
    Case(
        "EdgenodeRestarts",
        30,
        {"process_start_time_seconds" + NODE: "0 100 100 200 300 400x30"},
        {"process_start_time_seconds" + NODE: "0 100 100 200x30"},
    ),
    Case("EdgenodeMappingLost", 25, LOST, LOST | {"edgenode_port_mapping_wanted" + NODE: "0x30"}),
    Case(
        "EdgenodeNotReachable",
        70,
        {
            "edgenode_reachability" + labels('verdict="mapped"'): "0x80",
            "edgenode_reachability" + labels('verdict="cgnat"'): "1x80",
        },
        {
            "edgenode_reachability" + labels('verdict="mapped"'): "1x80",
            "edgenode_reachability" + labels('verdict="cgnat"'): "0x80",
        },
    ),
    Case("EdgenodeAlone", 40, {"edgenode_peers" + NODE: "0x50"}, {"edgenode_peers" + NODE: "1x50"}),
    Case(
        "EdgenodeStorageFull",
        20,
        {
            "edgenode_disk_free_bytes" + NODE: "105x30",
            "edgenode_disk_reserve_bytes" + NODE: "100x30",
        },
        {
            "edgenode_disk_free_bytes" + NODE: "200x30",
            "edgenode_disk_reserve_bytes" + NODE: "100x30",
            "edgenode_block_bytes" + NODE: "90x30",
            "edgenode_block_bytes_max" + NODE: "100x30",
        },
    ),
    Case(
        "EdgenodeStorageFull",
        20,
        {"edgenode_block_bytes" + NODE: "96x30", "edgenode_block_bytes_max" + NODE: "100x30"},
        {"edgenode_block_bytes" + NODE: "96x30"},
    ),
    Case(
        "EdgenodeBlocksDamaged",
        20,
        {"edgenode_blocks_damaged_total" + NODE: "0 2 2 4x30"},
        {"edgenode_blocks_damaged_total" + NODE: "0 1x30"},
    ),
    Case(
        "EdgenodeBlocksLost",
        1500,
        {"edgenode_blocks_wanted" + NODE: "1x1600"},
        {"edgenode_blocks_wanted" + NODE: "1x100 0x1500"},
    ),
    Case(
        "EdgenodeBehind",
        40,
        {"edgenode_origins_behind" + NODE: "1x50"},
        {"edgenode_origins_behind" + NODE: "1x5 0x45"},
    ),
    Case(
        "EdgenodeOutboxFills",
        20,
        {"edgenode_outbox_updates" + NODE: "6000x30"},
        {"edgenode_outbox_updates" + NODE: "100x30"},
    ),
    Case(
        "EdgenodeLoopHeldUp",
        30,
        {lag("1"): "0x40", lag("2.5"): "0+12x40", lag("+Inf"): "0+12x40"},
        {lag("1"): "0+12x40", lag("2.5"): "0+12x40", lag("+Inf"): "0+12x40"},
    ),
    Case(
        "EdgenodeMemory",
        70,
        {"process_resident_memory_bytes" + NODE: f"{GIB}x80"},
        {"process_resident_memory_bytes" + NODE: f"{GIB // 16}x80"},
    ),
    Case(
        "EdgenodeWritesALot",
        60,
        {"edgenode_disk_written_bytes_total" + NODE: f"0+{GIB}x70"},
        {"edgenode_disk_written_bytes_total" + NODE: f"0+{GIB // 1000}x70"},
    ),
    Case(
        "EdgenodeClockWrong",
        70,
        {"edgenode_clock_trusted" + NODE: "0x80"},
        {"edgenode_clock_trusted" + NODE: "0x10 1x70"},
    ),
    Case(
        "EdgenodeFlooded",
        20,
        {"edgenode_rate_limited_total" + labels('limit="node"'): "0+120x30"},
        {
            "edgenode_rate_limited_total" + labels('limit="node"'): "0+12x30",
            "edgenode_rate_limited_total" + labels('limit="address"'): "0+900x30",
        },
    ),
    Case(
        "EdgenodeCloned",
        10,
        {"edgenode_warnings_total" + labels('event="clone"'): "0 1x20"},
        {"edgenode_warnings_total" + labels('event="peer-fault"'): "0 1x20"},
    ),
]


def test_every_alert_has_its_case() -> None:
    assert {case.alert for case in CASES} == rules().keys()


@pytest.mark.parametrize("case", CASES, ids=[case.alert for case in CASES])
def test_an_alert_fires_when_it_should(case: Case, tmp_path: Path) -> None:
    """By promtool itself, which has no other way of showing alerts than to miss them."""
    for series, fires in ((case.fires, True), (case.silent, False)):
        test = {
            "interval": "1m",
            "input_series": [{"series": name, "values": text} for name, text in series.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{case.alert}", alertstate="firing"}})',
                    "eval_time": f"{case.minutes}m",
                    "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                }
            ],
        }
        path = tmp_path / "test.yml"
        path.write_text(  # JSON is YAML
            json.dumps(
                {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}, indent=1
            )
        )
        promtool("test", "rules", path)


async def test_a_real_one_scrapes_nodes_and_says_which_one_died(
    nodes: Nodes, tmp_path: Path
) -> None:
    first, second = await nodes.pair()
    targets = {node.rest.base.removeprefix("http://"): node for node in (first, second)}
    dead = second.rest.base.removeprefix("http://")
    async with Prometheus(tmp_path, list(targets)) as prometheus:

        async def linked() -> bool:
            return await prometheus.values("edgenode_peers") == dict.fromkeys(targets, "1")

        async def fired() -> bool:
            return await prometheus.firing("EdgenodeDown") == {dead}

        async def silent() -> bool:
            return await prometheus.firing("EdgenodeDown") == set()

        await eventually(linked, "both nodes are scraped", timeout_s=SCRAPED_S)
        assert await silent()
        await second.kill()
        await eventually(fired, "the alert fires", timeout_s=FIRES_S)
        await second.start()
        await eventually(silent, "the alert is over", timeout_s=FIRES_S)
