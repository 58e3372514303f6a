"""A laboratory: the WAN, the homes on it, and the end of them all."""

import itertools
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from tests.lab.support.host import Host
from tests.lab.support.miniupnpd import Miniupnpd, Offers
from tests.lab.support.namespace import (
    PREFIX,
    CommandFailed,
    Namespace,
    delete_stale,
    is_stale,
)
from tests.lab.support.network import Network
from tests.lab.support.router import Router
from tests.lab.support.wan import Wan

FOLDERS = Path("/run")
"""Where a laboratory keeps its gateways' files: nobody but root writes there."""

_numbers = itertools.count(1)


def remove_stale() -> None:
    """Remove what the laboratories of dead processes have left behind."""
    delete_stale()
    for folder in FOLDERS.glob(f"{PREFIX}-*"):
        if is_stale(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


class Home(NamedTuple):
    """A router with one computer behind it, and the router's daemon if it has one."""

    router: Router
    host: Host
    gateway: Miniupnpd | None

    @property
    def daemon(self) -> Miniupnpd:
        """The router's daemon, which it must have."""
        assert self.gateway is not None
        return self.gateway


class Lab:
    """Namespaces and what runs in them, until the end of its context.

    What the laboratories of dead processes have left behind is removed first.
    """

    def __enter__(self) -> "Lab":
        remove_stale()
        self._prefix = f"{PREFIX}-{os.getpid()}-{next(_numbers)}-"
        self.folder = Path(tempfile.mkdtemp(prefix=self._prefix, dir=FOLDERS))
        self._namespaces: list[Namespace] = []
        try:
            self.wan = Wan(self.namespace("wan"))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def namespace(self, name: str) -> Namespace:
        """Make a namespace; `name` is the end of its name."""
        made = Namespace(self._prefix + name)
        self._namespaces.append(made)
        return made

    def router(
        self,
        name: str,
        uplink: Network | None = None,
        *,
        lan: str = "192.168.1",
        ipv6: bool = True,
        ipv6_open: bool = False,
        random_ports: bool = False,
    ) -> Router:
        """Make a router; without `uplink` on the WAN. See Router."""
        return Router(
            self.namespace(name),
            uplink or self.wan,
            lan=lan,
            ipv6=ipv6,
            ipv6_open=ipv6_open,
            random_ports=random_ports,
        )

    def gateway(self, router: Router, offers: Offers) -> Miniupnpd:
        """Let a daemon run on a router."""
        return Miniupnpd(router, self.folder / router.namespace.name, offers)

    def host(self, name: str, *networks: Network) -> Host:
        """Make a computer; without a network it is on the WAN, in public."""
        return Host(self.namespace(name), networks or (self.wan,))

    def home(
        self,
        name: str,
        offers: Offers | None,
        uplink: Network | None = None,
        *,
        lan: str = "192.168.1",
        ipv6: bool = True,
        ipv6_open: bool = False,
        random_ports: bool = False,
    ) -> Home:
        """Make a router with a daemon that offers this (None: without one), and a computer."""
        router = self.router(
            f"{name}-router",
            uplink,
            lan=lan,
            ipv6=ipv6,
            ipv6_open=ipv6_open,
            random_ports=random_ports,
        )
        gateway = None if offers is None else self.gateway(router, offers)
        return Home(router, self.host(name, router), gateway)

    def _close(self) -> None:
        failures: list[Exception] = []
        for namespace in self._namespaces:
            try:
                namespace.delete()
            except CommandFailed as failure:
                failures.append(failure)
        with suppress(OSError):
            shutil.rmtree(self.folder)
        if failures:
            raise failures[0]
