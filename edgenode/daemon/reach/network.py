"""This host's place in its network, for those above who may not ask the parts below."""

from edgenode.core.ip import is_global
from edgenode.reach.gateways import find_network
from edgenode.reach.method import Gateway
from edgenode.reach.neighbours import silent

__all__ = ["Gateway", "default_gateways", "global_ipv6_addresses", "silent"]


def default_gateways() -> tuple[Gateway, ...]:
    """Return the default routers of both address families."""
    return find_network().gateways


def global_ipv6_addresses() -> list[str]:
    """Return this host's IPv6 addresses that others anywhere could reach."""
    return [address for address in find_network().own_ipv6 if is_global(address)]
