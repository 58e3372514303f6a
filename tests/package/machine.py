"""A fresh Debian trixie with its own systemd, booted by systemd-nspawn. Needs root.

It has no network but loopback, or that of a laboratory: what it runs asks routers for ports, and
those of this network are not ours to ask. What apt installs there lies in its cache already.
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PROJECT = Path(__file__).resolve().parents[2]
ROOTS = PROJECT / "tests" / "package" / "roots"

BOOT_S = 60  # on a busy machine; 3 s on an idle one
COMMAND_S = 180  # apt installs Python in about 20 s
POLL_S = 0.05

# The machine does not outlive the test, so that nothing in it must be durable.
APT = "apt-get -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Use-Pty=0 --yes"


class CommandError(Exception):
    """A command in the machine failed; the message has all that it printed."""


def root_archive(kind: str) -> Path:
    """Return the archive of a root (`build` or `machine`), made where it is missing."""
    script = f"set -e; project={shlex.quote(str(PROJECT))}; . {shlex.quote(str(ROOTS))}; "
    made = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{script} trixie_root {kind}"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Path(made.stdout.strip())


def unpack(kind: str, folder: Path) -> None:
    """Unpack a fresh copy of a root."""
    archive = root_archive(kind)
    options = ["--numeric-owner", "--xattrs", "--xattrs-include=*"]
    subprocess.run(["tar", "-x", "-C", folder, "-f", archive, *options], check=True)


class Machine:
    """One booted machine, from `with` to its end; `network` is a namespace to be in."""

    def __init__(self, network: Path | None = None) -> None:
        self._network = network
        self.root = Path(tempfile.mkdtemp(prefix="edgenode-machine.", dir="/var/tmp"))
        self._nspawn: subprocess.Popen[bytes] | None = None
        self.init = 0

    def __enter__(self) -> Self:
        try:
            unpack("machine", self.root)
            self.boot()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.halt()
        self._remove()

    def boot(self) -> None:
        """Start it, and return when systemd has started all that it wanted to."""
        log = (self.root.parent / f"{self.root.name}.console").open("wb")
        with log:
            self._nspawn = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
                    *("--console=pipe", "--machine=edgenode-test", self._network_option()),
                    *("--resolv-conf=off", "--timezone=off", "-D", self.root),
                ],
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + BOOT_S
        while True:
            if self._nspawn.poll() is not None or time.monotonic() > deadline:
                raise CommandError(f"the machine did not boot:\n{self._console()}")
            self.init = _only_child(self._nspawn.pid)
            if self.init and self.try_run("systemctl is-system-running")[1].strip() in (
                "running",
                "degraded",
            ):
                return
            time.sleep(POLL_S)

    def halt(self) -> None:
        """Shut it down in order, or kill it where that takes too long."""
        if self._nspawn is None:
            return
        self._nspawn.send_signal(signal.SIGTERM)
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        self._nspawn = None

    def run(self, command: str, *, timeout: float = COMMAND_S) -> str:
        """Run a line of shell as root in the machine and return what it prints."""
        status, output = self.try_run(command, timeout=timeout)
        if status:
            raise CommandError(f"{command}\nended with status {status} and printed\n{output}")
        return output

    def try_run(self, command: str, *, timeout: float = COMMAND_S) -> tuple[int, str]:
        """Run a line of shell as root in the machine; return its status and what it prints."""
        done = subprocess.run(
            [
                *("nsenter", "-t", str(self.init), "-a", "env", "-i", "LANG=C.UTF-8", "TERM=dumb"),
                *("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"),
                *("DEBIAN_FRONTEND=noninteractive", "sh", "-c", f"cd /root; {command}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        return done.returncode, done.stdout.decode(errors="replace")

    def apt(self, arguments: str) -> str:
        """Run apt-get."""
        return self.run(f"{APT} {arguments}")

    def copy_in(self, path: Path) -> str:
        """Copy a file into the machine and return its path there."""
        target = self.root / "root" / path.name
        shutil.copy(path, target)
        return f"/root/{path.name}"

    def property(self, name: str) -> str:
        """Return a property of the service, as systemctl shows it."""
        return self.run(f"systemctl show -P {name} edgenode").strip()

    def journal(self, options: str = "") -> str:
        """Return what the service and systemd logged about it."""
        self.run("journalctl --sync")
        return self.run(f"journalctl --quiet --no-pager -u edgenode {options}")

    def _network_option(self) -> str:
        if self._network is None:
            return "--private-network"
        return f"--network-namespace-path={self._network}"

    def _console(self) -> str:
        path = self.root.parent / f"{self.root.name}.console"
        return path.read_text(errors="replace") if path.exists() else ""

    def _remove(self) -> None:
        subprocess.run(["rm", "-rf", "--one-file-system", self.root], check=True)
        (self.root.parent / f"{self.root.name}.console").unlink(missing_ok=True)


def _only_child(pid: int) -> int:
    """Return the pid of a process's one child, 0 while it has none."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else 0
