"""Debian's avahi on a host: its daemon with a system bus of its own, and its commands.

Daemon and bus want files below /run, which are this host's alone: a mount namespace of its own.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from tests.lab.support.namespace import Namespace

TIMEOUT_S = 10.0

_CONFIG = """\
[server]
host-name={name}
enable-dbus=yes
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
[rlimits]
"""

_START = """\
set -e
mount -t tmpfs none /run
mkdir -p /run/dbus /run/avahi-daemon
printf %s "$1" > /run/avahi.conf
dbus-daemon --system --nopidfile
exec avahi-daemon -f /run/avahi.conf --no-drop-root --no-chroot --no-rlimits
"""


def obstacle() -> str:
    """Why there is no avahi; empty where there is."""
    tools = (
        ("avahi-daemon", "avahi-daemon"),
        ("avahi-browse", "avahi-utils"),
        ("dbus-daemon", "dbus"),
    )
    for tool, package in tools:
        if shutil.which(tool) is None:
            return f"{tool} is missing (apt-get install {package})"
    return ""


class Service(NamedTuple):
    """A line of `avahi-browse -rpt` that begins with "="."""

    interface: str
    family: str
    name: str
    host: str
    address: str
    port: int
    text: frozenset[str]


class Avahi:
    """The daemon in a namespace, for as long as its context lasts; it calls the host `name`.

    All that runs here ends with the namespace at the latest.
    """

    def __init__(self, namespace: Namespace, name: str) -> None:
        self._namespace = namespace
        self._name = name
        self._published: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Avahi":
        config = _CONFIG.format(name=self._name)
        self._daemon = subprocess.Popen(
            [*self._namespace.entering, "unshare", "-m", "sh", "-c", _START, "sh", config],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # The bus is up before the daemon, which tells of no readiness but its socket.
        socket = Path(f"/proc/{self._daemon.pid}/root/run/avahi-daemon/socket")
        deadline = time.monotonic() + TIMEOUT_S
        while not socket.exists():
            assert self._daemon.poll() is None, "the daemon has ended"
            assert time.monotonic() < deadline, "the daemon does not begin"
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in (*self._published, self._daemon):
            process.terminate()
            process.wait(TIMEOUT_S)

    def browse(self) -> list[Service]:
        """Return what `avahi-browse -rpt _edgenode._tcp` prints of services that it resolved."""
        done = subprocess.run(
            [*self._entering(), "avahi-browse", "-rpt", "_edgenode._tcp"],
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT_S,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        lines = [line[2:].split(";") for line in done.stdout.splitlines() if line[0] == "="]
        return [
            Service(
                interface,
                family,
                name,
                host,
                address,
                int(port),
                frozenset(text.strip('"').split('" "')),
            )
            for interface, family, name, _, _, host, address, port, text in lines
        ]

    def publish(self, name: str, port: int, text: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Publish a service until the process is terminated, or this context ends."""
        strings = [f"{key}={value}" for key, value in text.items()]
        process = subprocess.Popen(
            [*self._entering(), "avahi-publish", "-s", name, "_edgenode._tcp", str(port), *strings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._published.append(process)
        return process

    def _entering(self) -> list[str]:
        return ["nsenter", f"--target={self._daemon.pid}", "--net", "--mount", "--"]
