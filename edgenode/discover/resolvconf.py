"""Which resolvers this host uses: resolv.conf(5)."""

from pathlib import Path
from typing import NamedTuple

from edgenode.core.ip import parse_ip

# MAXNS of <resolv.h>: the C library asks no more either.
MAX_SERVERS = 3

# The C library's own limits of the options, and what it takes where nothing is said.
MAX_TIMEOUT_S = 30
MAX_ATTEMPTS = 5
TIMEOUT_S = 5
ATTEMPTS = 2

# Where the file is absent or names nobody.
LOCAL_SERVER = "127.0.0.1"

# A file of a hundred bytes; whatever else is found under its name is not read to the end.
MAX_FILE_BYTES = 64 * 1024

# IFNAMSIZ of <linux/if.h>, and the digits of an index that fits.
_MAX_ZONE_CHARS = 15
_MAX_INDEX_DIGITS = 9


class ResolverSettings(NamedTuple):
    """The resolvers, and how long to wait for one of them."""

    servers: tuple[str, ...]
    """IP literals, a link-local one with its zone (`fe80::1%eth0`)."""
    timeout_s: int
    attempts: int


def read_resolver_settings(path: Path) -> ResolverSettings:
    """Read the file; one that cannot be read is as good as absent. Blocks."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        text = ""
    return parse_resolver_settings(text)


def parse_resolver_settings(text: str) -> ResolverSettings:
    """Read the lines that concern us; what makes no sense is passed over, as the C library does."""
    servers: list[str] = []
    numbers = {"timeout": TIMEOUT_S, "attempts": ATTEMPTS}
    limits = {"timeout": MAX_TIMEOUT_S, "attempts": MAX_ATTEMPTS}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and _is_server(words[1]):
            servers.append(words[1])
        elif words and words[0] == "options":
            for option in words[1:]:
                name, _, value = option.partition(":")
                # Not isdigit() alone: it takes digits of other scripts.
                if name in numbers and value.isascii() and value.isdigit():
                    numbers[name] = max(1, min(int(value[:9]), limits[name]))
    unique = tuple(dict.fromkeys(servers))[:MAX_SERVERS] or (LOCAL_SERVER,)
    return ResolverSettings(unique, numbers["timeout"], numbers["attempts"])


def _is_server(text: str) -> bool:
    address, sign, zone = text.partition("%")
    if parse_ip(address) is None:
        return False
    return not sign or (":" in address and _is_zone(zone))


def _is_zone(text: str) -> bool:
    most = _MAX_INDEX_DIGITS if text.isdigit() else _MAX_ZONE_CHARS
    return 0 < len(text) <= most and text.isascii() and text.isprintable()
