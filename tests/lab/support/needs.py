"""What the laboratory needs of the machine."""

import functools
import os
import shutil

from tests.lab.support import miniupnpd
from tests.lab.support.namespace import PREFIX, CommandFailed, Namespace

TOOLS = (
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("nft", "nftables"),
    ("upnpc", "miniupnpc"),
    ("dnsmasq", "dnsmasq-base"),
)
REQUIRED = "EDGENODE_REQUIRE_LAB"
"""Set to 1 (CI), a test that cannot be tried fails."""


def obstacle() -> str:
    """Why this machine can have no laboratory; empty where it can."""
    if os.geteuid() != 0:
        return "it needs root"
    for tool, package in TOOLS:
        if shutil.which(tool) is None:
            return f"{tool} is missing (apt-get install {package})"
    if miniupnpd.find() is None:
        return "miniupnpd is missing (scripts/setup-lab fetches it)"
    return _trial()


@functools.cache
def _trial() -> str:
    """Try a namespace with rules in it."""
    try:
        tried = Namespace(f"{PREFIX}-{os.getpid()}-trial")
        try:
            tried.nft("add table inet filter")
        finally:
            tried.delete()
    except (CommandFailed, OSError) as failure:
        return str(failure)
    return ""
