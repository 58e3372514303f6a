"""The pieces of what is measured: the loop's lag, open ports, the process, the status line."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from logging import NullHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgenode.core.head import Head
from edgenode.core.reachability import VERDICTS
from edgenode.crypto import new_block_hasher
from edgenode.daemon.config.sections import StorageConfig
from edgenode.daemon.records.carried import Replica
from edgenode.daemon.watch import watching
from edgenode.daemon.watch.lag import Lag, sync_lag
from edgenode.daemon.watch.liveness import Liveness
from edgenode.daemon.watch.logs import Logs
from edgenode.daemon.watch.openports import OpenPorts
from edgenode.daemon.watch.process import StartTime, clock_is_set, read_process
from edgenode.daemon.watch.pulse import BOUNDS_S, Pulse
from edgenode.daemon.watch.quiet import Quiet
from edgenode.daemon.watch.statusline import StatusLine, status_line
from edgenode.daemon.watch.watching import Watching
from edgenode.reach.view import Failure, Mapping, View
from edgenode.store.blocks import BlockStore
from edgenode.store.database import Database

NOTHING = View(True, True, (), (), (), (), ())


def mapping(gateway: str = "10.0.0.1", *, method: str = "pcp", port: int = 4242) -> Mapping:
    return Mapping(method, gateway, "eth0", ":" in gateway, "10.0.0.2", 4242, None, port, 7200)


def failure(method: str, gateway: str) -> Failure:
    return Failure(method, gateway, "eth0", False, "refused", "", None)


class Ports:
    """Open ports, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ports = OpenPorts(lambda: self.now)

    def see(self, *mappings: Mapping) -> list[tuple[str, str, float]]:
        self.ports.on_view(NOTHING._replace(mappings=mappings))
        return [(port.family, port.method, port.age_s) for port in self.ports.now()]


def test_the_age_of_a_mapping_is_that_of_the_port() -> None:
    at = Ports()
    assert at.see(mapping()) == [("ipv4", "pcp", 0)]
    at.now += 60
    assert at.see(mapping()._replace(lifetime_s=3600)) == [("ipv4", "pcp", 60)]
    assert at.see(mapping(port=5000)) == [("ipv4", "pcp", 0)]
    at.now += 60
    assert at.see(mapping(port=5000), mapping("fe80::1")) == [
        ("ipv4", "pcp", 60),
        ("ipv6", "pcp", 0),
    ]
    assert at.see(mapping(method="upnp", port=5000), mapping("fe80::1"))[0] == ("ipv4", "upnp", 0)
    assert at.ports.lost == 0


def test_a_mapping_that_went_is_lost() -> None:
    at = Ports()
    at.see(mapping(), mapping("10.0.0.254"))
    at.see(mapping())
    assert at.ports.lost == 1
    at.see()
    assert at.ports.lost == 2
    assert at.see() == []
    assert at.ports.lost == 2
    assert at.see(mapping()) == [("ipv4", "pcp", 0)]


def test_failures_are_counted_by_what_was_tried() -> None:
    ports = OpenPorts()
    assert not ports.wanted
    failures = (failure("pcp", "1"), failure("pcp", "2"), failure("upnp", "1"))
    ports.on_view(NOTHING._replace(failures=failures))
    assert ports.failures == {("pcp", "refused"): 2, ("upnp", "refused"): 1}
    assert ports.wanted
    ports.on_view(NOTHING._replace(asked=False))
    assert (ports.failures, ports.wanted) == ({}, False)


async def test_a_loop_that_is_held_up_is_seen() -> None:
    ticks = asyncio.Event()
    pulse = Pulse([ticks.set], period_s=0.05)
    running = asyncio.create_task(pulse.run())
    await asyncio.sleep(0)
    assert ticks.is_set()  # the first at once
    ticks.clear()
    time.sleep(0.2)  # noqa: ASYNC251 - what nobody should do
    async with asyncio.timeout(10):
        await ticks.wait()
    running.cancel()
    assert sum(pulse.lag.counts) >= 1
    assert pulse.lag.total >= 0.1
    assert sum(pulse.lag.counts[BOUNDS_S.index(0.1) + 1 :]) >= 1


def test_a_lag_is_counted_below_its_bound() -> None:
    pulse = Pulse([])
    for lag_s in (0.0, 0.01, 0.011, 10.0, 11.0):
        pulse.note(lag_s)
    assert pulse.lag.counts[:2] == (2, 1)
    assert pulse.lag.counts[-2:] == (1, 1)
    assert pulse.lag.total == pytest.approx(21.021)


def test_the_process_is_read_from_proc(tmp_path: Path) -> None:
    own = read_process()
    assert own.resident_bytes and own.anonymous_bytes
    assert own.resident_bytes > own.anonymous_bytes > 1024 * 1024
    assert own.open_files and own.open_files > 2
    (tmp_path / "fd").mkdir()
    (tmp_path / "fd/0").touch()
    (tmp_path / "status").write_text("Name:\tx\nVmRSS:\t   39000 kB\nRssAnon:\t  23000 kB\n")
    (tmp_path / "io").write_text("rchar: 1\nwchar: 2\nwrite_bytes: 4096\ncancelled: 5\n")
    made = read_process(tmp_path)
    assert made[:3] == (39000 * 1024, 23000 * 1024, 4096)
    assert made.open_files == 1


def test_what_the_kernel_does_not_tell_is_not_known(tmp_path: Path) -> None:
    made = read_process(tmp_path)
    assert made._replace(cpu_s=0) == (None, None, None, 0, None)


def test_the_start_stands_still_until_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"wall": 1000.0, "monotonic": 50.0}
    monkeypatch.setattr(time, "time", lambda: now["wall"])
    monkeypatch.setattr(time, "monotonic", lambda: now["monotonic"])
    start = StartTime()
    assert start.seconds() == 1000
    now = {"wall": 1060.7, "monotonic": 110.0}
    assert start.seconds() == 1000
    now = {"wall": 1_800_000_000.0, "monotonic": 120.0}
    assert start.seconds() == 1_799_999_930


def test_the_clock_is_trusted_when_the_service_says_so(tmp_path: Path) -> None:
    mark = tmp_path / "timesync/synchronized"
    assert clock_is_set(mark) is None
    mark.parent.mkdir()
    assert clock_is_set(mark) is False
    mark.touch()
    assert clock_is_set(mark) is True
    assert clock_is_set(tmp_path / ("x" * 300) / "mark") is None  # what cannot be looked at


class Carried:
    """Origins that are carried, without a store."""

    def __init__(self) -> None:
        self.of: dict[str, Replica] = {}

    def ids(self) -> list[str]:
        return list(self.of)

    def get(self, origin: str) -> Replica | None:
        return self.of.get(origin)

    def add(self, origin: str, batches: int, head_count: int, *, agrees: bool) -> None:
        replica = self.of[origin] = Replica([bytes([number]) * 16 for number in range(batches)])
        root = replica.trie.root() if agrees else b"\x55" * 16
        replica.head = Head(
            batch_epoch=1, batch_seq=1, floor_epoch=0, floor_seq=0, root=root, count=head_count
        )


def test_the_lag_is_what_heads_say_and_is_not_here() -> None:
    carried = Carried()
    assert sync_lag(carried, "own") == Lag(0, 0, 0)  # type: ignore[arg-type]
    carried.add("own", 1, 9, agrees=False)
    carried.add("well", 3, 3, agrees=True)
    carried.add("short", 1, 4, agrees=False)
    carried.add("more", 5, 4, agrees=False)
    carried.of["headless"] = Replica(())
    assert sync_lag(carried, "own") == Lag(4, 2, 3)  # type: ignore[arg-type]


def status(peers: int, blocks: int, verdict: str, *, verified: bool = True) -> dict[str, Any]:
    return {
        "peers": peers,
        "blocks": blocks,
        "reachability": {"verdict": verdict, "verified": verified},
    }


def test_the_status_line() -> None:
    assert status_line(status(12, 1204, "mapped")) == "12 peers, 1,204 blocks, reachable"
    assert status_line(status(1, 1, "ipv6-only")) == "1 peer, 1 block, reachable by IPv6"
    unsure = status_line(status(0, 0, "public", verified=False))
    assert unsure == "0 peers, 0 blocks, reachable (not confirmed)"
    assert status_line(status(0, 0, "cgnat")).endswith(", not reachable (cgnat)")
    assert status_line(status(0, 0, "unknown")).endswith(", reachability not known yet")
    assert len({status_line(status(0, 0, verdict)) for verdict in VERDICTS}) == len(VERDICTS) - 1


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket of a service manager."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def test_the_service_manager_is_told_what_is_new(manager: socket.socket) -> None:
    state = [status(0, 0, "mapped")]
    told = StatusLine(lambda: state[0])
    told.tell()
    assert manager.recv(100) == b"STATUS=0 peers, 0 blocks, reachable"
    told.tell()
    with pytest.raises(BlockingIOError):
        manager.recv(100)
    state[0] = status(1, 0, "mapped")
    told.tell()
    assert manager.recv(100) == b"STATUS=1 peer, 0 blocks, reachable"


def test_a_service_manager_that_is_gone_ends_nothing(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    manager.close()
    StatusLine(lambda: status(0, 0, "mapped")).tell()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nothing"))
    StatusLine(lambda: status(0, 0, "mapped")).tell()


class Parts:
    """A node's store and database, and nothing else that is of use."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.database = database
        self.store = BlockStore(
            folder / "blocks",
            max_bytes=0,
            reserve_bytes=0,
            max_block_size=1,
            new_hasher=new_block_hasher,
            on_corrupt=lambda _: None,
            on_held=lambda *_: None,
            on_gone=lambda _: None,
        )
        nothing: Any = SimpleNamespace(
            wanted=(), pending=(), viewers=0, waiting=0, lag=lambda: Lag(0, 0, 0)
        )
        nothing.refused, nothing.shut_out, nothing.turned_away = {}, dict, 0
        links: Any = ()
        self.watching = Watching(
            liveness=Liveness(database, folder),
            database=database,
            store=self.store,
            storage=StorageConfig(),
            fetcher=nothing,
            repair=nothing,
            dials={},
            addresses=dict,
            links=links,
            feed=nothing,
            records=nothing,
            logs=Logs(Quiet(NullHandler()), {}),
            gate=nothing,
            clock_trusted=lambda: None,
            status=lambda: status(0, 0, "unknown"),
        )


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Parts]:
    database = await Database.open(tmp_path / "state.db")
    yield Parts(tmp_path, database)
    await database.close()


async def test_ready_is_more_than_alive(node: Parts) -> None:
    monitoring = node.watching.monitoring
    assert await monitoring.alive() is None
    assert await monitoring.ready() == "the blocks are being counted"
    await node.store.open()
    assert await monitoring.ready() is None


async def test_a_database_that_hangs_keeps_only_the_disk_s_readings_back(
    node: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await node.watching.measure()).disk_free_bytes
    monkeypatch.setattr(watching, "DISK_S", 0.05)
    go_on = threading.Event()
    hanging = asyncio.create_task(node.database.read(lambda _: go_on.wait(20)))
    await asyncio.sleep(0)
    asked = [asyncio.ensure_future(node.watching.monitoring.alive()) for _ in range(50)]
    found = await node.watching.measure()
    assert found.disk_free_bytes is None
    assert found.resident_bytes
    go_on.set()
    await hanging
    assert await asyncio.gather(*asked) == [None] * 50


async def test_who_asks_together_waits_for_one_check(
    node: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def statvfs(path: Path) -> os.statvfs_result:
        nonlocal asked
        asked += 1
        return statvfs_of(path)

    statvfs_of = os.statvfs
    monkeypatch.setattr(os, "statvfs", statvfs)
    assert (
        await asyncio.gather(*(node.watching.monitoring.alive() for _ in range(20))) == [None] * 20
    )
    assert asked == 1
    assert await node.watching.monitoring.alive() is None
    assert asked == 2
