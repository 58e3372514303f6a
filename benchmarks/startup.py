"""From exec to the first 200 on /node/info, beside bare processes and Node.js."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.support.compared import BARE_PACKAGES, BARE_PYTHON, nodejs
from benchmarks.support.table import against, heading, say, table

RUNS = 11
POLL_S = 0.002
TIMEOUT_S = 60.0
REQUEST = b"GET /node/info HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class Start(NamedTuple):
    """What a start took, in seconds."""

    wall: float
    cpu: float


async def run(with_nodejs: bool) -> None:
    """Start each in turn, RUNS times and once to warm the files' cache; print the medians."""
    heading(f"start-up (medians of {RUNS} starts, not the first)")
    samples: dict[str, list[Start]] = {}
    with tempfile.TemporaryDirectory(prefix="edgenode-bench-") as name:
        port, node = _node_command(Path(name))
        for _ in range(RUNS + 1):
            _sample(samples, "bare Python", BARE_PYTHON, 0)
            _sample(samples, "six packages, sqlite3, no OpenSSL", BARE_PACKAGES, 0)
            _sample(samples, "edgenode", node, port)
            if with_nodejs:
                command = nodejs("job.js", name, str(port))
                _sample(samples, "Node.js: Express, ws, SQLite", command, port)
                command = nodejs("whole.js", name, str(port))
                _sample(samples, "Node.js: the same, bonjour, nat-upnp", command, port)
    medians = {
        name: Start(median(s.wall for s in taken[1:]), median(s.cpu for s in taken[1:]))
        for name, taken in samples.items()
    }
    table(
        ("", "wall ms", "CPU ms"),
        [
            (name, f"{1000 * start.wall:.0f}", f"{1000 * start.cpu:.0f}")
            for name, start in medians.items()
        ],
    )
    if with_nodejs:
        own, part = medians["edgenode"], medians["Node.js: Express, ws, SQLite"]
        say(f"x Node.js without bonjour and nat-upnp, wall: {own.wall / part.wall:.2f}")
        other = medians["Node.js: the same, bonjour, nat-upnp"]
        against("x Node.js, wall", own.wall / other.wall, 0.6, at_most=True)
        against("x Node.js, CPU", own.cpu / other.cpu, 0.6, at_most=True)


def _node_command(folder: Path) -> tuple[int, list[str]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    config = folder / "config.toml"
    config.write_text(
        '[server]\nhttp_bind = "127.0.0.1"\nws_bind = "127.0.0.1"\n'
        # The router of the network that this runs in is not asked for anything.
        f"http_port = {port}\nws_port = 0\nupnp = false\n"
    )
    places = ["--config", str(config), "--data-dir", str(folder / "data")]
    return port, [sys.executable, "-m", "edgenode", "run", *places]


def _sample(samples: dict[str, list[Start]], name: str, command: Sequence[str], port: int) -> None:
    """Start until it answers at `port`; with port 0 until it prints a line."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if port:
            while not _answers(port):
                if process.poll() is not None or time.perf_counter() - began > TIMEOUT_S:
                    raise RuntimeError(f"{name} does not answer")
                time.sleep(POLL_S)
        else:
            process.stdout.readline()
        wall = time.perf_counter() - began
    finally:
        process.kill()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdin.close()
        process.stdout.close()
    samples.setdefault(name, []).append(Start(wall, usage.ru_utime + usage.ru_stime))


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(REQUEST)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
