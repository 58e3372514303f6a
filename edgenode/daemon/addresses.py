"""The addresses under which this node may be found."""

import netifaces

# As many as a host with several networks has; the rest adds nothing.
MAX_ADDRESSES = 16


def local_addresses(bind: str, port: int) -> list[str]:
    """Return `host:port` of each address the peer port is bound to, loopback and link-local not.

    An address given in `bind` stands alone, whatever it is.
    """
    if bind:
        return [join(bind, port)]
    found = []
    for interface in netifaces.interfaces():
        addresses = netifaces.ifaddresses(interface)
        for family in (netifaces.AF_INET, netifaces.AF_INET6):
            for entry in addresses.get(family, ()):
                address = str(entry.get("addr", ""))
                if address and not _is_local_only(address):
                    found.append(join(address, port))
    return found[:MAX_ADDRESSES]


def _is_local_only(address: str) -> bool:
    # netifaces gives link-local IPv6 addresses with their zone: fe80::1%eth0.
    return address.startswith(("127.", "169.254.", "fe80:")) or address == "::1"


def join(address: str, port: int) -> str:
    """Return `host:port`, with brackets around an IPv6 literal."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
