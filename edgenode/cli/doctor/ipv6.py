"""Whether this machine has IPv6, which saves the trouble with routers' address translation."""

from collections.abc import Sequence
from pathlib import Path

from edgenode.cli.doctor.check import OK, WARNING, Check

NAME = "ipv6"
SWITCH = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")


def check_ipv6(addresses: Sequence[str], switch: Path = SWITCH) -> Check:
    """Look for global `addresses`, and else for why there are none."""
    if addresses:
        return Check(NAME, OK, ", ".join(addresses))
    try:
        off = switch.read_text().strip() == "1"
    except OSError:
        return Check(NAME, OK, "this machine's kernel has none; IPv4 is used alone")
    if off:
        return Check(
            NAME,
            WARNING,
            "switched off on this machine",
            "remove net.ipv6.conf.all.disable_ipv6 from the sysctl settings",
        )
    return Check(NAME, OK, "the network gives no global address; IPv4 is used alone")
