"""Debian's dnsmasq as the resolver of all hosts, with zones of its own."""

import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.lab.support.namespace import Namespace

START_TIMEOUT_S = 10.0
POLL_S = 0.01
SILENT_PORT = 5399
_READ = "/hosts - "
"""Of the log: the addresses have been read."""


class Dnsmasq:
    """Serves from a namespace until the end of its context; `folder` holds its files.

    `servers`: the addresses at which others are to ask. `addresses`: name → all of its addresses.
    `services`: SRV records as dnsmasq's option has them, "name,target,port,priority,weight".
    `silent`: names whose server never answers.
    """

    def __init__(
        self,
        namespace: Namespace,
        folder: Path,
        *,
        servers: Sequence[str],
        addresses: Mapping[str, Sequence[str]],
        services: Sequence[str] = (),
        silent: Sequence[str] = (),
    ) -> None:
        self._namespace = namespace
        self._servers = servers
        self._log = folder / "dnsmasq.log"
        self._files = folder
        self._addresses = dict(addresses)
        self._services = services
        self._silent = silent
        self.resolv_conf = folder / "resolv.conf"

    def __enter__(self) -> "Dnsmasq":
        self._files.mkdir(exist_ok=True)
        self.resolv_conf.write_text("".join(f"nameserver {server}\n" for server in self._servers))
        self._write_hosts()
        (self._files / "dnsmasq.conf").write_text(
            "no-resolv\nno-hosts\nlog-queries\nuser=root\n"
            f"pid-file=\nlog-facility={self._log}\naddn-hosts={self._files}/hosts\n"
            # Who asks for anything else is told that it is not there.
            + "".join(f"local=/{name}/\n" for name in ("example.net", "internal"))
            + "".join(f"srv-host={service}\n" for service in self._services)
            + "".join(f"server=/{name}/127.0.0.1#{SILENT_PORT}\n" for name in self._silent)
        )
        with self._namespace.inside():
            self._mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._mute.bind(("127.0.0.1", SILENT_PORT))
        self._process = subprocess.Popen(
            [
                *self._namespace.entering,
                *("setpriv", "--pdeathsig", "KILL", "--"),
                *("dnsmasq", "--keep-in-foreground", f"--conf-file={self._files}/dnsmasq.conf"),
            ],
            stdin=subprocess.DEVNULL,
        )
        self._wait_for("started")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._mute.close()

    def asked(self, name: str, rtype: str) -> int:
        """How often somebody has asked for the records `rtype` of `name`."""
        return self._text().count(f"query[{rtype}] {name} from")

    def change(self, name: str, addresses: Sequence[str]) -> None:
        """Answer from now on with other addresses, which nobody is to keep (a TTL of 0)."""
        self._addresses[name] = addresses
        self._write_hosts()
        before = self._text().count(_READ)
        self._process.send_signal(signal.SIGHUP)
        self._wait_for(_READ, more_than=before)

    @property
    def within(self) -> list[str]:
        """The words before a command whose /etc/resolv.conf is to name this server."""
        script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, str(self.resolv_conf)]

    def _text(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def _write_hosts(self) -> None:
        (self._files / "hosts").write_text(
            "".join(
                f"{address} {name}\n"
                for name, found in self._addresses.items()
                for address in found
            )
        )

    def _wait_for(self, text: str, *, more_than: int = 0) -> None:
        end = time.monotonic() + START_TIMEOUT_S
        while self._text().count(text) <= more_than:
            assert self._process.poll() is None, "dnsmasq has ended"
            assert time.monotonic() < end, "dnsmasq does not start"
            time.sleep(POLL_S)
