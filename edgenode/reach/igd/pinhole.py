"""Pinholes in a gateway's IPv6 firewall: WANIPv6FirewallControl:1.

The Python binding of libminiupnpc has none of its calls, so they are made from here.
"""

from edgenode.reach.igd.control import INVALID_ARGS, PINHOLE_UNKNOWN, SoapFault, call
from edgenode.reach.igd.description import Service
from edgenode.reach.method import Gateway, MappingFailed, Wish

# Section 2.3.4: a lease is of 1 to 86400 seconds, there is none for ever.
MAX_LEASE_S = 86400

_PROTOCOLS = {"TCP": "6", "UDP": "17"}  # IANA's numbers
_MAX_ID_DIGITS = 5


def lease(wish: Wish) -> int:
    """Give the lease to ask for."""
    return min(wish.lifetime_s or MAX_LEASE_S, MAX_LEASE_S)


async def add(gateway: Gateway, service: Service, wish: Wish) -> str:
    """Open a pinhole to our address and port for anyone, and give its id.

    Raises `SoapFault` and `MappingFailed`.
    """
    arguments = [
        ("RemoteHost", ""),
        ("RemotePort", "0"),
        ("InternalClient", gateway.own_address),
        ("InternalPort", str(wish.internal_port)),
        ("Protocol", _PROTOCOLS[wish.protocol]),
        ("LeaseTime", str(lease(wish))),
    ]
    values = await call(gateway, service, "AddPinhole", arguments)
    unique = values.get("UniqueID", "")
    if not (unique.isascii() and unique.isdigit() and len(unique) <= _MAX_ID_DIGITS):
        raise MappingFailed("malformed", "AddPinhole: no id")
    return unique


async def update(gateway: Gateway, service: Service, wish: Wish, unique: str) -> bool:
    """Renew a pinhole; False where the gateway will not, as it does not know it any more.

    Raises `MappingFailed`.
    """
    try:
        arguments = [("UniqueID", unique), ("NewLeaseTime", str(lease(wish)))]
        await call(gateway, service, "UpdatePinhole", arguments)
    except SoapFault:
        return False  # an unknown id is 704 by the text, 402 at some
    return True


async def delete(gateway: Gateway, service: Service, unique: str) -> None:
    """Close a pinhole; it may be gone already. Raises `SoapFault` and `MappingFailed`."""
    try:
        await call(gateway, service, "DeletePinhole", [("UniqueID", unique)])
    except SoapFault as fault:
        if fault.code not in (PINHOLE_UNKNOWN, INVALID_ARGS):  # as above
            raise
