"""`GET /metrics`: all that an operator watches and is alerted by, as it is when it is asked for.

Nothing is counted for this alone: NodeInfo, NodeMetrics and `Readings` are turned into samples.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.exposition import (
    CONTENT_TYPE,
    COUNTER,
    GAUGE,
    HISTOGRAM,
    Family,
    Sample,
    exposition,
    histogram,
)
from edgenode.api.ports import Snapshot
from edgenode.api.readings import Readings
from edgenode.core.reachability import VERDICTS

FAMILIES = ("ipv4", "ipv6")


Measure = Callable[[], Awaitable[Readings]]
"""Takes the readings now; called once for each request."""


def metrics_answer(*, info: Snapshot, status: Snapshot, measure: Measure) -> Handler:
    """Return the handler; `info` and `status` give NodeInfo and NodeMetrics."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        readings = await measure()
        return web.Response(
            body=exposition(families(info(), status(), readings)),
            headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"},
        )

    return answer


def families(
    info: Mapping[str, Any], status: Mapping[str, Any], readings: Readings
) -> Iterator[Family]:
    """Turn what the node says of itself into metrics."""
    yield from _of_status(info, status)
    yield from _of_reach(status["reachability"], readings)
    yield from _of_parts(readings)
    yield from _of_process(readings)


def _of_status(info: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Family]:
    bandwidth, operations = status["bandwidth"], status["operations"]
    yield Family(
        "edgenode_build_info",
        GAUGE,
        "The version that runs; always 1.",
        [Sample(1, {"version": info["version"]})],
    )
    yield Family(
        "edgenode_node_info",
        GAUGE,
        "Who the node is; always 1.",
        [
            Sample(
                1,
                {
                    "node_id": info["nodeId"],
                    "network": info["network"],
                    "region": info["region"] or "",
                },
            )
        ],
    )
    yield _one("edgenode_uptime_seconds", "Time since the start.", status["uptime"])
    yield _one("edgenode_peers", "Nodes linked now.", status["peers"])
    yield _one("edgenode_alone_seconds", "Time without any link, 0 with one.", status["alone"])
    yield _one("edgenode_blocks", "Blocks held.", status["blocks"])
    yield _one(
        "edgenode_pending_sync_blocks", "Blocks to be fetched from peers.", status["pendingSync"]
    )
    yield Family(
        "edgenode_network_bytes_total",
        COUNTER,
        "Bytes of bodies (blocks, events, answers), by direction.",
        [Sample(bandwidth[word], {"direction": word}) for word in ("in", "out")],
    )
    yield _total(
        "edgenode_relayed_bytes_total",
        "Bytes of blocks that were passed on between two peers.",
        bandwidth["relayed"],
    )
    yield Family(
        "edgenode_operations_total",
        COUNTER,
        "Block operations, by result.",
        [Sample(operations[word], {"result": word}) for word in ("success", "failed")],
    )


def _of_reach(reachability: Mapping[str, Any], readings: Readings) -> Iterator[Family]:
    yield Family(
        "edgenode_reachability",
        GAUGE,
        "Whether other networks can connect: 1 for the verdict in force, 0 for all others.",
        [Sample(reachability["verdict"] == one, {"verdict": one}) for one in VERDICTS],
    )
    yield _one(
        "edgenode_reachability_verified",
        "1 if nodes on other networks got through.",
        reachability["verified"],
    )
    yield _one(
        "edgenode_reachability_confirmations",
        "Nodes on other networks that got through.",
        reachability["confirmations"],
    )
    yield _one(
        "edgenode_reachability_since_timestamp_seconds",
        "When the verdict came to be, by this machine's clock.",
        datetime.fromisoformat(reachability["since"]).timestamp(),
    )
    yield _one(
        "edgenode_port_mapping_wanted",
        "1 if routers are asked to open the port.",
        readings.mapping_wanted,
    )
    counts = dict.fromkeys(FAMILIES, 0)
    for port in readings.ports:
        counts[port.family] += 1
    yield Family(
        "edgenode_port_mappings",
        GAUGE,
        "Routers that pass the peer port on, by address family.",
        [Sample(count, {"family": family}) for family, count in counts.items()],
    )
    yield Family(
        "edgenode_port_mapping_age_seconds",
        GAUGE,
        "Time since a router opened the port.",
        [
            Sample(
                port.age_s,
                {"family": port.family, "method": port.method, "gateway": port.gateway},
            )
            for port in readings.ports
        ],
    )
    yield _total(
        "edgenode_port_mappings_lost_total",
        "Mappings that were there and went.",
        readings.ports_lost,
    )
    yield Family(
        "edgenode_port_mapping_failures",
        GAUGE,
        "Routers that open no port now, by the method tried and what came of it.",
        [
            Sample(count, {"method": method, "reason": reason})
            for (method, reason), count in readings.failures.items()
        ],
    )


def _of_parts(readings: Readings) -> Iterator[Family]:
    yield Family(
        "edgenode_links",
        GAUGE,
        "Links, by who dialled.",
        [
            Sample(readings.links_dialled, {"direction": "out"}),
            Sample(readings.links_accepted, {"direction": "in"}),
        ],
    )
    yield Family(
        "edgenode_dials_total",
        COUNTER,
        "Links that this node has tried to make, by result.",
        [Sample(count, {"result": result}) for result, count in readings.dials.items()],
    )
    yield Family(
        "edgenode_addresses",
        GAUGE,
        "Addresses of nodes that are known: told of (new), or linked with before (tried).",
        [Sample(count, {"state": state}) for state, count in readings.addresses.items()],
    )
    yield _one(
        "edgenode_link_queue_bytes", "Bytes that wait to be sent.", readings.link_queue_bytes
    )
    yield _one("edgenode_viewers", "Who watches the live events.", readings.viewers)
    yield _one("edgenode_block_bytes", "Bytes of the blocks held.", readings.block_bytes)
    yield _one(
        "edgenode_block_bytes_max",
        "Bytes that blocks may take by the settings.",
        readings.block_bytes_max or None,
    )
    yield _total(
        "edgenode_blocks_damaged_total",
        "Blocks that did not match their hash when they were read, and were set aside.",
        readings.blocks_damaged,
    )
    yield _one(
        "edgenode_blocks_wanted",
        "Damaged blocks that no peer has replaced yet.",
        readings.blocks_wanted,
    )
    yield _one(
        "edgenode_disk_free_bytes",
        "Free on the disk of the data folder.",
        readings.disk_free_bytes,
    )
    yield _one(
        "edgenode_disk_reserve_bytes",
        "What the settings keep free of blocks there.",
        readings.disk_reserve_bytes,
    )
    yield _one("edgenode_fetches", "Blocks being fetched, or in the queue.", readings.fetches)
    yield _one(
        "edgenode_outbox_updates",
        "Updates of this node that it has not told yet.",
        readings.outbox_updates,
    )
    yield _one(
        "edgenode_database_waiting", "Writes that wait for the disk.", readings.database_waiting
    )
    yield _one("edgenode_origins", "Nodes whose records are carried.", readings.origins)
    yield _one(
        "edgenode_origins_behind",
        "Nodes of whose records this one lacks some, or has more than they say.",
        readings.origins_behind,
    )
    yield _one(
        "edgenode_batches_missing",
        "Batches of records that others have and this node lacks.",
        readings.batches_missing,
    )
    yield Family(
        "edgenode_event_loop_lag_seconds",
        HISTOGRAM,
        "How late the event loop came to a task that was due.",
        histogram(readings.loop_lag),
    )
    yield Family(
        "edgenode_warnings_total",
        COUNTER,
        "Warnings and errors, by the EVENT under which the log has them.",
        [Sample(count, {"event": event}) for event, count in readings.warnings.items()],
    )
    yield Family(
        "edgenode_rate_limited_total",
        COUNTER,
        "Requests that were refused, by the limit that was reached.",
        [Sample(count, {"limit": limit}) for limit, count in readings.rate_limited.items()],
    )
    yield Family(
        "edgenode_blacklisted",
        GAUGE,
        "Addresses that are shut out, by who said so.",
        [Sample(count, {"by": by}) for by, count in readings.shut_out.items()],
    )
    yield _total(
        "edgenode_blacklisted_refused_total",
        "Connections and requests of those who are shut out.",
        readings.turned_away,
    )
    yield _one(
        "edgenode_clock_trusted",
        "1 if the clock is right as far as peers, or else the machine's time service, tell.",
        readings.clock_trusted,
    )


def _of_process(readings: Readings) -> Iterator[Family]:
    """The names without our prefix are those that every Prometheus client gives."""
    yield _one("process_resident_memory_bytes", "Resident memory.", readings.resident_bytes)
    yield _one(
        "edgenode_anonymous_memory_bytes",
        "Resident memory that no file backs.",
        readings.anonymous_bytes,
    )
    yield _total(
        "edgenode_disk_written_bytes_total",
        "Bytes that this process has caused to be written to disks.",
        readings.written_bytes,
    )
    yield _total("process_cpu_seconds_total", "Processor time taken.", readings.cpu_s)
    yield _one(
        "process_start_time_seconds", "When the process began, since 1970.", readings.started_s
    )
    yield _one("process_open_fds", "Open files and sockets.", readings.open_files)


def _one(name: str, help_: str, value: float | None) -> Family:
    return Family(name, GAUGE, help_, [] if value is None else [Sample(value)])


def _total(name: str, help_: str, value: float | None) -> Family:
    return Family(name, COUNTER, help_, [] if value is None else [Sample(value)])
