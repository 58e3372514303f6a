"""Mapping by PCP (RFC 6887): ports of an IPv4 NAT, and pinholes of an IPv6 firewall."""

import asyncio

from edgenode.core import pcp
from edgenode.core.errors import DecodeError
from edgenode.core.ip import format_ip, is_global, kind, parse_ip
from edgenode.reach.datagram import ANSWER_DEADLINE_S, DELETE_DEADLINE_S, ask
from edgenode.reach.method import PCP, Gateway, Grant, MappingFailed, Offer, Wish

# Asked for as "the longest": 0 would delete, and 2^32-1 s may overflow somewhere. Gateways lower it
# to what they give, by RFC 6887 section 15 at most a day; a week is the longest of UPnP (IGD:2).
LONGEST_LIFETIME_S = 604_800

_PROTOCOLS = {"TCP": pcp.TCP, "UDP": pcp.UDP}

# result: (its name, what it comes to)
_RESULTS = {
    pcp.UNSUPP_VERSION: ("UNSUPP_VERSION", "unsupported"),
    pcp.NOT_AUTHORIZED: ("NOT_AUTHORIZED", "refused"),
    pcp.MALFORMED_REQUEST: ("MALFORMED_REQUEST", "failed"),
    pcp.UNSUPP_OPCODE: ("UNSUPP_OPCODE", "unsupported"),
    pcp.UNSUPP_OPTION: ("UNSUPP_OPTION", "failed"),
    pcp.MALFORMED_OPTION: ("MALFORMED_OPTION", "failed"),
    pcp.NETWORK_FAILURE: ("NETWORK_FAILURE", "network-down"),
    pcp.NO_RESOURCES: ("NO_RESOURCES", "no-room"),
    pcp.UNSUPP_PROTOCOL: ("UNSUPP_PROTOCOL", "unsupported"),
    pcp.USER_EX_QUOTA: ("USER_EX_QUOTA", "no-room"),
    pcp.CANNOT_PROVIDE_EXTERNAL: ("CANNOT_PROVIDE_EXTERNAL", "conflict"),
    pcp.ADDRESS_MISMATCH: ("ADDRESS_MISMATCH, a NAT lies between this host and it", "failed"),
    pcp.EXCESSIVE_REMOTE_PEERS: ("EXCESSIVE_REMOTE_PEERS", "failed"),
}


class PcpMethod:
    """PCP at one gateway (the `Method` of method.py), for the address `gateway.own_address`.

    At an IPv6 gateway it opens that address's pinhole, so each global address of the host needs a
    method of its own. Nothing is kept between calls.
    """

    name = PCP

    def __init__(self, gateway: Gateway, *, port: int = pcp.SERVER_PORT) -> None:
        self.gateway = gateway
        self._port = port
        own = parse_ip(gateway.own_address)
        if own is None:
            raise ValueError(f"not an address: {gateway.own_address!r}")
        self._own = own

    async def probe(self) -> Offer:
        """Ask by ANNOUNCE; it tells no external address."""

        def read(datagram: bytes) -> Offer | None:
            response = _decode(datagram)
            # One that does not know ANNOUNCE speaks PCP all the same.
            if response is not None and response.opcode == pcp.ANNOUNCE:
                if response.result in (pcp.SUCCESS, pcp.UNSUPP_OPCODE):
                    return Offer(None, response.epoch_s)
                raise _failure(response, None)
            return None

        request = pcp.encode_announce(self._own)
        return await ask(self.gateway, self._port, request, read, deadline_s=ANSWER_DEADLINE_S)

    async def verify(self) -> Offer:
        """Do as `probe`, which is one datagram."""
        return await self.probe()

    async def map(self, wish: Wish, earlier: Grant | None) -> Grant:
        """Make or renew: what was granted earlier is suggested again, under the wish's nonce."""
        external_port = earlier.external_port if earlier else wish.external_port
        external_address = earlier.external_address if earlier else wish.external_address
        response, mapping = await self._ask(
            wish,
            # A pinhole is where the port is.
            wish.internal_port if self.gateway.ipv6 else external_port,
            external_address,
            wish.lifetime_s or LONGEST_LIFETIME_S,
            ANSWER_DEADLINE_S,
        )
        if not response.lifetime_s or not mapping.external_port:
            raise MappingFailed("malformed", "a mapping without a lifetime or without a port")
        external = None
        if kind(mapping.external) != "unspecified":
            external = format_ip(mapping.external)
        return Grant(external, mapping.external_port, response.lifetime_s, response.epoch_s)

    async def unmap(self, wish: Wish, grant: Grant) -> None:
        """Delete (section 15): it needs the nonce by which the mapping was made.

        A pinhole that may not be deleted is made to end as soon as the gateway lets it.
        """
        loop = asyncio.get_running_loop()
        end_s = loop.time() + DELETE_DEADLINE_S
        try:
            await self._ask(wish, 0, None, 0, DELETE_DEADLINE_S)
        except MappingFailed as failed:
            # miniupnpd's answer where nothing is left to delete, as when it is asked twice; by the
            # RFC that is a success.
            if failed.reason in ("no-room", "private-wan"):
                return
            if failed.reason != "refused" or not self.gateway.ipv6:
                raise
            # miniupnpd 2.3.1 with nftables refuses this once the pinhole was renewed, yet lets it
            # be shortened: it ends after 120 s.
            await self._ask(wish, wish.internal_port, None, 1, end_s - loop.time())

    async def close(self) -> None:
        """Do nothing: each call lets go of its own socket."""

    async def _ask(
        self,
        wish: Wish,
        external_port: int,
        external_address: str | None,
        lifetime_s: int,
        deadline_s: float,
    ) -> tuple[pcp.Response, pcp.Mapping]:
        protocol = _PROTOCOLS[wish.protocol]
        request = pcp.encode_map(
            self._own,
            nonce=wish.nonce,
            protocol=protocol,
            internal_port=wish.internal_port,
            external_port=external_port,
            external=self._suggested(external_address),
            lifetime_s=lifetime_s,
        )

        def read(datagram: bytes) -> tuple[pcp.Response, pcp.Mapping] | None:
            response = _decode(datagram)
            if response is None or response.mapping is None:
                return None
            mapping = response.mapping
            asked = (wish.nonce, protocol, wish.internal_port)
            if (mapping.nonce, mapping.protocol, mapping.internal_port) != asked:
                return None
            if response.result != pcp.SUCCESS:
                raise _failure(response, self._private_wan(mapping.external))
            return response, mapping

        return await ask(self.gateway, self._port, request, read, deadline_s=deadline_s)

    def _suggested(self, address: str | None) -> bytes | None:
        """Give the address to suggest: a global one of the gateway's family, else none.

        No other is ever suggested, so that one in an error is the gateway's own.
        """
        if address is None or not is_global(address) or self.gateway.ipv6 != (":" in address):
            return None
        return parse_ip(address)

    def _private_wan(self, external: bytes) -> str | None:
        """Give the external address of an error where it shows that the gateway has no other."""
        if (
            self.gateway.ipv6
            or external == self._own
            or kind(external) in ("global", "unspecified")
        ):
            return None
        return format_ip(external)


def _decode(datagram: bytes) -> pcp.Response | None:
    """Give the response in a datagram, None where there is none; raises for other versions."""
    try:
        response = pcp.decode_response(datagram)
    except DecodeError:
        return None
    if response.version != pcp.VERSION:
        spoken = "NAT-PMP" if response.version == 0 else f"version {response.version}"
        raise MappingFailed("unsupported", f"it speaks {spoken}, not PCP version {pcp.VERSION}")
    return response


def _failure(response: pcp.Response, private_wan: str | None) -> MappingFailed:
    name, reason = _RESULTS.get(response.result, (f"result {response.result}", "failed"))
    lasts_s = response.lifetime_s
    if private_wan is not None:
        return MappingFailed(
            "private-wan", f"{name}; its own address is {private_wan}", private_wan
        )
    return MappingFailed(reason, name + (f", for {lasts_s} s" if lasts_s else ""))
