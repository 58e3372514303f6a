"""`/metrics`: every reading is there, under a name that Prometheus takes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from edgenode.api.exposition import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    Buckets,
    Family,
    Sample,
    exposition,
    histogram,
    number,
)
from edgenode.api.metrics import families
from edgenode.api.readings import Readings
from edgenode.core.reachability import VERDICTS

from .conftest import NODE_ID, READINGS, Node, Served

LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")


async def scraped(served: Served) -> dict[str, float]:
    """Return the samples by name and labels, as they are written."""
    async with served.client.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        text = await response.text()
    assert text.endswith("\n")
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in samples)
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in samples}


async def test_all_of_node_metrics_is_there(local: Served, node: Node) -> None:
    node.counters.bytes_in, node.counters.bytes_out = 1000, 2000
    node.counters.bytes_relayed = 3000
    node.counters.succeeded, node.counters.failed = 4000, 5000
    node.store.keep(b"block")
    status = node.status()
    found = await scraped(local)
    assert {
        "uptime": found["edgenode_uptime_seconds"],
        "peers": found["edgenode_peers"],
        "alone": found["edgenode_alone_seconds"],
        "blocks": found["edgenode_blocks"],
        "bandwidth": {
            "in": found['edgenode_network_bytes_total{direction="in"}'],
            "out": found['edgenode_network_bytes_total{direction="out"}'],
            "relayed": found["edgenode_relayed_bytes_total"],
        },
        "operations": {
            "success": found['edgenode_operations_total{result="success"}'],
            "failed": found['edgenode_operations_total{result="failed"}'],
        },
        "pendingSync": found["edgenode_pending_sync_blocks"],
    } == {name: value for name, value in status.items() if name != "reachability"}
    assert found["edgenode_reachability_verified"] == 1
    assert found["edgenode_reachability_confirmations"] == 2
    assert found["edgenode_reachability_since_timestamp_seconds"] == 1767323045.678
    assert found['edgenode_build_info{version="0.1.0"}'] == 1
    info = f'edgenode_node_info{{node_id="{NODE_ID}",network="brightchain",region=""}}'
    assert found[info] == 1


@pytest.mark.parametrize("verdict", VERDICTS)
async def test_one_verdict_is_in_force(local: Served, node: Node, verdict: str) -> None:
    node.reachability |= {"verdict": verdict}
    found = await scraped(local)
    states = {one: found[f'edgenode_reachability{{verdict="{one}"}}'] for one in VERDICTS}
    assert states == {one: one == verdict for one in VERDICTS}


def plain(readings: Readings) -> dict[str, Any]:
    """Return the readings that are one number each, by name."""
    return {
        name: value
        for name, value in readings._asdict().items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def test_every_reading_is_there(node: Node) -> None:
    """A reading that changes, changes a sample, and no two share one."""
    before = values(families(node.info(), node.status(), READINGS))
    for name, value in plain(READINGS).items():
        change: dict[str, Any] = {name: value + 1000}
        changed = READINGS._replace(**change)
        after = values(families(node.info(), node.status(), changed))
        (line,) = (key for key in before if before[key] != after[key])
        assert after[line] == before[line] + 1000, name


def values(found: Iterator[Family]) -> dict[str, float]:
    return {
        f"{family.name}{sample.suffix}{dict(sample.labels)}": float(sample.value)
        for family in found
        for sample in family.samples
    }


async def test_readings_that_are_more_than_a_number(local: Served) -> None:
    found = await scraped(local)
    port = 'family="ipv4",method="pcp",gateway="192.0.2.1"'
    assert found[f"edgenode_port_mapping_age_seconds{{{port}}}"] == 12.5
    assert found['edgenode_port_mappings{family="ipv4"}'] == 1
    assert found['edgenode_port_mappings{family="ipv6"}'] == 0
    assert found["edgenode_port_mapping_wanted"] == 1
    assert found['edgenode_port_mapping_failures{method="upnp",reason="no-answer"}'] == 1
    assert found['edgenode_warnings_total{event="clone"}'] == 18
    assert found["edgenode_clock_trusted"] == 1


async def test_what_is_not_known_is_left_out(local: Served, node: Node) -> None:
    unknown: dict[str, Any] = {
        "disk_free_bytes": None,
        "resident_bytes": None,
        "anonymous_bytes": None,
        "written_bytes": None,
        "open_files": None,
        "clock_trusted": None,
    }
    before = await scraped(local)
    node.readings = READINGS._replace(**unknown, block_bytes_max=0)
    after = await scraped(local)
    gone = {name for name in before if name not in after}
    assert gone == {
        "edgenode_block_bytes_max",
        "edgenode_disk_free_bytes",
        "process_resident_memory_bytes",
        "edgenode_anonymous_memory_bytes",
        "edgenode_disk_written_bytes_total",
        "process_open_fds",
        "edgenode_clock_trusted",
    }


def test_names_and_types_follow_the_conventions(node: Node) -> None:
    found = list(families(node.info(), node.status(), READINGS))
    assert len({family.name for family in found}) == len(found)
    for family in found:
        assert re.fullmatch(r"(edgenode|process)_[a-z_]+", family.name)
        assert (family.type == COUNTER) == family.name.endswith("_total")
        assert family.type in (COUNTER, GAUGE, HISTOGRAM)
        assert family.help.endswith(".")


def test_text_is_escaped_and_every_number_can_be_read() -> None:
    labels = {"a": 'quote " slash \\ line \n end'}
    family = Family("x", GAUGE, 'help " \\ \n.', [Sample(1.5, labels)])
    assert exposition([family, Family("y", GAUGE, "Nothing.", [])]) == (
        b'# HELP x help " \\\\ \\n.\n# TYPE x gauge\nx{a="quote \\" slash \\\\ line \\n end"} 1.5\n'
    )
    shown = [number(value) for value in (True, 0, 1e21, 0.1, float("inf"), -float("inf"))]
    assert shown == ["1", "0", "1000000000000000000000", "0.1", "+Inf", "-Inf"]
    assert number(float("nan")) == "NaN"


def test_the_buckets_of_a_histogram_are_cumulative() -> None:
    family = Family("lag", HISTOGRAM, "Lag.", histogram(Buckets((0.1, 1.0), (5, 2, 1), 4.5)))
    assert exposition([family]).decode().splitlines()[2:] == [
        'lag_bucket{le="0.1"} 5',
        'lag_bucket{le="1"} 7',
        'lag_bucket{le="+Inf"} 8',
        "lag_sum 4.5",
        "lag_count 8",
    ]
