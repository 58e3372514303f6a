"""A network namespace by name, and what is done inside it."""

import ctypes
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = Path("/run/netns")
"""Where `ip netns` keeps them."""

PREFIX = "edgelab"
"""Every name begins so, then has the id of the process that made it."""

KILLED_TIMEOUT_S = 5.0
_NAME = re.compile(rf"{PREFIX}-(\d+)-")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace that exists from here to `delete`, its loopback up.

    A new interface in it has its addresses at once (no duplicate address detection), and it asks
    for no IPv6 router: what it knows it is told.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = FOLDER / name
        _run("ip", "netns", "add", name)
        try:
            self.sysctl(
                {
                    "ipv4/conf/all/rp_filter": 0,
                    "ipv4/conf/default/rp_filter": 0,
                    "ipv6/conf/default/accept_dad": 0,
                    "ipv6/conf/default/accept_ra": 0,
                    "ipv6/conf/default/router_solicitations": 0,
                }
            )
            self.ip("link set lo up")
        except BaseException:
            self.delete()
            raise

    @property
    def entering(self) -> list[str]:
        """The words before a command that run it in here."""
        return ["nsenter", f"--net={self.path}", "--"]

    def run(self, *command: str, text: str | None = None) -> str:
        """Run a command in here; return its standard output, or raise with its standard error."""
        return _run(*self.entering, *command, text=text)

    def ip(self, *lines: str) -> None:
        """Run `ip` commands, in one process."""
        _run("ip", "-n", self.name, "-batch", "-", text="\n".join(lines) + "\n")

    def nft(self, rules: str) -> None:
        """Load rules, all or none."""
        self.run("nft", "-f", "-", text=rules)

    def sysctl(self, values: Mapping[str, int]) -> None:
        """Set kernel parameters below `net`."""
        with self.inside():
            for name, value in values.items():
                Path("/proc/sys/net", name).write_text(str(value))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let this thread be in here, to open sockets, which stay. Await nothing meanwhile."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _set_namespace(there)
            finally:
                os.close(there)
            try:
                yield
            finally:
                _set_namespace(before)
        finally:
            os.close(before)

    def delete(self) -> None:
        """Kill what runs in here and remove it."""
        _delete(self.name)


def is_stale(name: str) -> bool:
    """Tell whether `name` begins as those made by a process that is no more."""
    found = _NAME.match(name)
    return found is not None and not Path("/proc", found[1]).exists()


def delete_stale() -> list[str]:
    """Delete the namespaces of processes that are no more; return their names."""
    stale = [path.name for path in FOLDER.glob(f"{PREFIX}-*") if is_stale(path.name)]
    for name in stale:
        with suppress(subprocess.CalledProcessError):  # another process deletes them just now
            _delete(name)
    return stale


def _delete(name: str) -> None:
    pids = [int(pid) for pid in _run("ip", "netns", "pids", name).split()]
    for pid in pids:
        if pid != os.getpid():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + KILLED_TIMEOUT_S
    while _run("ip", "netns", "pids", name).split() and time.monotonic() < deadline:
        time.sleep(0.01)
    _run("ip", "netns", "delete", name)


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(
        command,
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandFailed(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


class CommandFailed(subprocess.CalledProcessError):
    """A command that failed, with what it printed."""

    def __str__(self) -> str:
        return f"{super().__str__()} {self.output.strip()} {self.stderr.strip()}"
