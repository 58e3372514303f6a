"""Which neighbours do not answer on their own network: the kernel's table of ARP (RFC 826)."""

from collections.abc import Iterable
from pathlib import Path

# /proc/net itself is out of sight in the sandbox of the service.
ARP_TABLE = Path("/proc/self/net/arp")

# A home network has tens; the kernel keeps 1024 at most by default.
MAX_BYTES = 128 * 1024

_COMPLETE = 0x2  # ATF_COM of linux/if_arp.h: the address was answered


def silent(addresses: Iterable[str], table: Path = ARP_TABLE) -> frozenset[str]:
    """Return those IPv4 `addresses` that were asked for and that nobody answers to.

    One that is not in the table was not asked for lately, of which nothing follows.
    """
    asked = set(addresses)
    try:
        with table.open("rb") as file:
            lines = file.read(MAX_BYTES).decode("ascii", "replace").splitlines()[1:]
    except OSError:
        return frozenset()
    known: dict[str, bool] = {}
    for line in lines:
        columns = line.split()  # address, type, flags, hardware address, mask, interface
        if len(columns) > 2 and columns[0] in asked:  # noqa: PLR2004
            answered = bool(int(columns[2], 16) & _COMPLETE)
            known[columns[0]] = known.get(columns[0], False) or answered
    return frozenset(address for address, answered in known.items() if not answered)
