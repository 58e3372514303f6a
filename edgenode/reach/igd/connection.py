"""The calls of an Internet gateway's WAN connection (WANIPConnection, WANPPPConnection).

They go through libminiupnpc, each in a thread and through a `Relay` of its own. AddAnyPortMapping
does not: the library's Python binding asks for an endless lease there, and there alone.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from edgenode.core.ip import kind, parse_ip
from edgenode.reach.igd import worker
from edgenode.reach.igd.control import CALL_S, NOT_IN_ARRAY, SoapFault, call
from edgenode.reach.igd.description import Service
from edgenode.reach.igd.relay import Relay
from edgenode.reach.igd.xmlscan import escape
from edgenode.reach.method import Gateway, MappingFailed, Wish

# The relay ends a call after CALL_S; what the library does besides is a matter of milliseconds.
_THREAD_S = CALL_S + 1.0

_PORTS = range(1024, 65536)
_MAX_PORT_DIGITS = 5


class Entry(NamedTuple):
    """A mapping as the gateway has it in its table."""

    client: str
    port: int
    enabled: bool
    lease_s: int  # what is left of it; 0 for ever


async def external_address(gateway: Gateway, service: Service) -> str | None:
    """Ask for the WAN address; None where it tells none, or something that is not an address."""
    try:
        text = await _ask(gateway, service, lambda igd: igd.externalipaddress())
    except (SoapFault, MappingFailed):
        return None
    packed = parse_ip(text) if isinstance(text, str) else None
    usable = packed is not None and kind(packed) not in ("unspecified", "loopback", "multicast")
    return text if usable else None


async def connected(gateway: Gateway, service: Service) -> bool:
    """Ask whether the WAN is up; True as well where it does not say."""
    try:
        status = await _ask(gateway, service, lambda igd: igd.statusinfo())
    except (SoapFault, MappingFailed):
        return True
    return not (isinstance(status, tuple) and status[0] in ("Disconnected", "Unconfigured"))


async def add(gateway: Gateway, service: Service, wish: Wish, port: int, lease_s: int) -> None:
    """Map `port` to us for `lease_s`, 0 for ever; raises `SoapFault` and `MappingFailed`."""
    description = escape(wish.description)  # the library puts it in as it is

    def verb(igd: Any) -> Any:
        return igd.addportmapping(
            port,
            wish.protocol,
            gateway.own_address,
            wish.internal_port,
            description,
            "",
            lease_s,
        )

    await _ask(gateway, service, verb)


async def add_any(gateway: Gateway, service: Service, wish: Wish, port: int, lease_s: int) -> int:
    """Map `port`, or one that the gateway chooses, and give it (WANIPConnection:2).

    Raises `SoapFault` and `MappingFailed`.
    """
    arguments = [
        ("NewRemoteHost", ""),
        ("NewExternalPort", str(port)),
        ("NewProtocol", wish.protocol),
        ("NewInternalPort", str(wish.internal_port)),
        ("NewInternalClient", gateway.own_address),
        ("NewEnabled", "1"),
        ("NewPortMappingDescription", wish.description),
        ("NewLeaseDuration", str(lease_s)),
    ]
    values = await call(gateway, service, "AddAnyPortMapping", arguments)
    granted = values.get("NewReservedPort", "")
    if not (granted.isascii() and granted.isdigit() and len(granted) <= _MAX_PORT_DIGITS):
        raise MappingFailed("malformed", "AddAnyPortMapping: no port")
    if int(granted) not in _PORTS:
        await delete(gateway, service, int(granted), wish.protocol)
        raise MappingFailed("malformed", f"AddAnyPortMapping: port {granted}")
    return int(granted)


async def delete(gateway: Gateway, service: Service, port: int, protocol: str) -> None:
    """Delete the mapping of `port`; it may be gone already. Raises `SoapFault`, `MappingFailed`."""
    try:
        await _ask(gateway, service, lambda igd: igd.deleteportmapping(port, protocol, ""))
    except SoapFault as fault:
        if fault.code != NOT_IN_ARRAY:
            raise


async def entry(gateway: Gateway, service: Service, port: int, protocol: str) -> Entry | None:
    """Look the mapping of `port` up; None where there is none.

    Raises `SoapFault` and `MappingFailed` where the gateway does not tell.
    """
    try:
        found = await _ask(
            gateway, service, lambda igd: igd.getspecificportmapping(port, protocol, "")
        )
    except SoapFault as fault:
        if fault.code == NOT_IN_ARRAY:
            return None
        raise
    if found is None:
        raise MappingFailed("malformed", "GetSpecificPortMappingEntry: no client")
    client, internal_port, _, enabled, lease_s = found
    return Entry(client, internal_port, bool(enabled), max(0, lease_s))


async def _ask(gateway: Gateway, service: Service, verb: Callable[[Any], Any]) -> Any:
    """Let the library make one call."""
    async with Relay(gateway, service) as relay:
        url = relay.url

        def run() -> Any:
            # Imported when first used, and never in the loop's thread: it comes from the disk.
            import miniupnpc  # noqa: PLC0415

            igd = miniupnpc.UPnP()
            igd.selectigd(url)
            return verb(igd)

        try:
            result = await worker.call(run, deadline_s=_THREAD_S)
        except MappingFailed:
            raise
        except Exception as error:
            # The library has exceptions of one type; the relay knows what came over the wire.
            raise relay.failure or MappingFailed("malformed", str(error)) from None
        if relay.failure is not None:
            raise relay.failure
        return result
