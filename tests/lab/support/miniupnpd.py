"""Debian's miniupnpd as a router's gateway daemon: PCP, NAT-PMP, UPnP."""

import os
import re
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path
from typing import NamedTuple

from tests.lab.support.router import LAN, WAN, Router
from tests.lab.support.rules import NAT_PMP, PCP, SSDP, UPNP_HTTP, Rule

START_TIMEOUT_S = 10.0
POLL_S = 0.005
PCP_PORT, SSDP_PORT = 5351, 1900

_CONFIG = """\
ext_ifname={wan}
ext_ifname6={wan}
listening_ip={lan}
ipv6_disable={no_ipv6}
enable_natpmp={natpmp}
enable_upnp={upnp}
secure_mode=yes
notify_interval=900
system_uptime=no
min_lifetime={min_lifetime}
max_lifetime=86400
clean_ruleset_interval=0
force_igd_desc_v1={igd1}
uuid={uuid}
friendly_name=Laboratory
lease_file={folder}/leases
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
{rights}
"""


# The daemon matches bytes at their offset, which nft lists so: "@nh,72,8 0x6" is IPv4's protocol.
_MAPPING = re.compile(r"dport (\d+) .*dnat ip to ([0-9.]+):(\d+)")
_PINHOLE = re.compile(r"@nh,192,128 0x([0-9a-f]+)")
_PORT = re.compile(r"dport (\d+)")
_TCP = re.compile(r"@nh,(?:72|48),8 0x0?6\b")


class Offers(NamedTuple):
    """What a gateway speaks, and how."""

    pcp: bool = True
    nat_pmp: bool = True
    upnp: bool = True
    igd1: bool = False  # of UPnP only version 1 (so no pinholes)
    refuse: bool = False  # by its policy it maps nothing for anyone
    min_lifetime_s: int = 120  # shorter leases are made so long


PCP_ALONE = Offers(nat_pmp=False, upnp=False)
NAT_PMP_ALONE = Offers(pcp=False, upnp=False)
UPNP_ALONE = Offers(pcp=False, nat_pmp=False)


class Mapping(NamedTuple):
    """What the gateway lets in: at `port` of its WAN address for `internal_port` of `address`.

    A pinhole has both ports the same.
    """

    protocol: str
    port: int
    address: str
    internal_port: int


def find() -> str | None:
    """The daemon's path, that of this environment first; None where it is not installed."""
    beside = str(Path(sys.prefix, "sbin"))
    return shutil.which("miniupnpd", path=beside) or shutil.which(
        "miniupnpd", path=f"/usr/local/sbin:/usr/sbin:{os.defpath}"
    )


class Miniupnpd:
    """A daemon on `router`; started here, until `stop` or the end of its namespace."""

    def __init__(self, router: Router, folder: Path, offers: Offers) -> None:
        self._router = router
        self._folder = folder
        self._pid_file = folder / "pid"
        self._pid = 0
        self._offers = offers
        folder.mkdir(parents=True)
        net = f"{router.lan}.0/24"
        rights = [] if offers.refuse else [f"allow 1024-65535 {net} 1024-65535"]
        (folder / "config").write_text(
            _CONFIG.format(
                wan=WAN,
                lan=LAN,
                no_ipv6="no" if router.ipv6 else "yes",
                natpmp="yes" if offers.pcp or offers.nat_pmp else "no",
                upnp="yes" if offers.upnp else "no",
                igd1="yes" if offers.igd1 else "no",
                min_lifetime=offers.min_lifetime_s,
                uuid=uuid.uuid4(),
                folder=folder,
                rights="\n".join([*rights, "deny 0-65535 0.0.0.0/0 0-65535"]),
            )
        )
        # It has one switch for both, and by IPv6 it speaks PCP whatever that says.
        for offered, match in ((offers.pcp, PCP), (offers.nat_pmp, NAT_PMP)):
            if not offered:
                self._filter(match)
        self.start()

    @property
    def running(self) -> bool:
        """Tell whether it runs."""
        return self._pid != 0

    def start(self) -> None:
        """Start it; return when it listens."""
        binary = find()
        assert binary is not None
        self._pid_file.unlink(missing_ok=True)
        self._router.namespace.run(
            *(binary, "-f", str(self._folder / "config"), "-P", str(self._pid_file))
        )
        ports = [PCP_PORT] * (self._offers.pcp or self._offers.nat_pmp)
        ports += [SSDP_PORT] * self._offers.upnp
        _await(lambda: self._listens(ports), "miniupnpd listens")

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it: told to (it says good-bye, and leaves its mappings), or by SIGKILL."""
        os.kill(self._pid, how)
        _await(lambda: not _runs(self._pid), "miniupnpd ends")
        self._pid = 0

    def restart(self) -> None:
        """End it and start it again; the router keeps what it mapped."""
        self.stop()
        self.start()

    def reboot(self) -> None:
        """Cut the router's power: the daemon says nothing, and what it mapped is lost."""
        if self.running:
            self.stop(signal.SIGKILL)
        (self._folder / "leases").unlink(missing_ok=True)
        self._router.forget()
        self.start()

    @property
    def mappings(self) -> list[Mapping]:
        """What is let in by IPv4 now, as the kernel has it."""
        return [
            Mapping(_protocol(line), int(found[1]), found[2], int(found[3]))
            for line in self._rules("prerouting_miniupnpd")
            if (found := _MAPPING.search(line))
        ]

    @property
    def pinholes(self) -> list[Mapping]:
        """What is let in by IPv6 now, as the kernel has it."""
        return [
            Mapping(_protocol(line), int(port[1]), str(IPv6Address(int(to[1], 16))), int(port[1]))
            for line in self._rules("miniupnpd")
            if (to := _PINHOLE.search(line)) and (port := _PORT.search(line))
        ]

    def _rules(self, chain: str) -> list[str]:
        namespace = self._router.namespace
        return namespace.run("nft", "list", "chain", "inet", "filter", chain).splitlines()

    def _filter(self, match: str) -> None:
        Rule(self._router.namespace, f'iifname "{LAN}" {match}', drop=True)

    def _listens(self, ports: list[int]) -> bool:
        with suppress(FileNotFoundError, ValueError):
            self._pid = int(self._pid_file.read_text())
            bound = Path("/proc", str(self._pid), "net/udp").read_text()
            return all(f":{port:04X} " in bound for port in ports)
        return False


def filter_upnp(router: Router) -> tuple[Rule, Rule]:
    """Let no SSDP and no connection to the gateway itself through, whatever its daemon offers."""
    net = f'iifname "{LAN}"'
    return (
        Rule(router.namespace, f"{net} {SSDP}", drop=True),
        Rule(router.namespace, f"{net} {UPNP_HTTP}", drop=True),
    )


def _protocol(rule: str) -> str:
    return "TCP" if _TCP.search(rule) else "UDP"


def _runs(pid: int) -> bool:
    """Tell whether a process runs; one that only awaits its burial does not."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _await(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {START_TIMEOUT_S} s: {what}")
        time.sleep(POLL_S)
