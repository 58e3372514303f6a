"""Mapping by NAT-PMP (RFC 6886), which is for IPv4 alone."""

import asyncio
from collections.abc import Awaitable

from edgenode.core import natpmp
from edgenode.core.errors import DecodeError
from edgenode.core.ip import format_ip, is_global, kind
from edgenode.reach.datagram import ANSWER_DEADLINE_S, DELETE_DEADLINE_S, ask
from edgenode.reach.method import NAT_PMP, Gateway, Grant, MappingFailed, Offer, Wish

# Asked for as "the longest", as by PCP: 0 would delete, and more may overflow somewhere.
LONGEST_LIFETIME_S = 604_800

_OPCODES = {"TCP": natpmp.MAP_TCP, "UDP": natpmp.MAP_UDP}

# result: (its name, what it comes to)
_RESULTS = {
    natpmp.UNSUPP_VERSION: ("unsupported version", "unsupported"),
    natpmp.REFUSED: ("not authorized", "refused"),
    natpmp.NETWORK_FAILURE: ("network failure, or a private WAN address", "network-down"),
    natpmp.OUT_OF_RESOURCES: ("out of resources", "no-room"),
    natpmp.UNSUPP_OPCODE: ("unsupported opcode", "unsupported"),
}


class NatPmpMethod:
    """NAT-PMP at one IPv4 gateway (the `Method` of method.py). Nothing is kept between calls."""

    name = NAT_PMP

    def __init__(self, gateway: Gateway, *, port: int = natpmp.SERVER_PORT) -> None:
        if gateway.ipv6:
            raise ValueError("NAT-PMP is for IPv4")
        self.gateway = gateway
        self._port = port

    async def probe(self) -> Offer:
        """Ask for the external address; None where the gateway has not got one yet (0.0.0.0)."""
        response = await self._ask_address()
        return Offer(_external(response), response.epoch_s)

    async def verify(self) -> Offer:
        """Do as `probe`, which is one datagram."""
        return await self.probe()

    async def map(self, wish: Wish, earlier: Grant | None) -> Grant:
        """Make or renew: the port granted earlier is suggested again.

        The external address is asked for at the same time; the mapping counts without it too.
        """
        external_port = earlier.external_port if earlier else wish.external_port
        lifetime_s = wish.lifetime_s or LONGEST_LIFETIME_S
        if earlier is not None:  # one datagram: a verification an hour is all that this may cost
            renewed = await self._ask_map(wish, external_port, lifetime_s, ANSWER_DEADLINE_S)
            return _grant(renewed, None)
        made, told = await asyncio.gather(
            _tried(self._ask_map(wish, external_port, lifetime_s, ANSWER_DEADLINE_S)),
            _tried(self._ask_address()),
        )
        if isinstance(made, MappingFailed):
            # Only the answer about the address can show the one that is at fault.
            raise told if isinstance(told, MappingFailed) and told.external_address else made
        return _grant(made, None if isinstance(told, MappingFailed) else _external(told))

    async def unmap(self, wish: Wish, grant: Grant) -> None:
        """Delete (section 3.4)."""
        await self._ask_map(wish, 0, 0, DELETE_DEADLINE_S)

    async def close(self) -> None:
        """Do nothing: each call lets go of its own socket."""

    async def _ask_address(self) -> natpmp.Response:
        return await self._ask(natpmp.encode_address(), natpmp.ADDRESS, None, ANSWER_DEADLINE_S)

    async def _ask_map(
        self, wish: Wish, external_port: int, lifetime_s: int, deadline_s: float
    ) -> natpmp.Response:
        opcode = _OPCODES[wish.protocol]
        request = natpmp.encode_map(opcode, wish.internal_port, external_port, lifetime_s)
        return await self._ask(request, opcode, wish.internal_port, deadline_s)

    async def _ask(
        self, request: bytes, opcode: int, internal_port: int | None, deadline_s: float
    ) -> natpmp.Response:
        """Return the success that answers `request`; the mapping in it is of `internal_port`."""

        def read(datagram: bytes) -> natpmp.Response | None:
            try:
                response = natpmp.decode_response(datagram)
            except DecodeError:
                return None
            if response.version != natpmp.VERSION:
                detail = f"it speaks version {response.version} (PCP is 2), not NAT-PMP"
                raise MappingFailed("unsupported", detail)
            if response.opcode != opcode:
                return None
            if response.mapping is not None and response.mapping.internal_port != internal_port:
                return None
            if response.result != natpmp.SUCCESS:
                raise _failure(response)
            return response

        return await ask(self.gateway, self._port, request, read, deadline_s=deadline_s)


async def _tried(question: Awaitable[natpmp.Response]) -> natpmp.Response | MappingFailed:
    try:
        return await question
    except MappingFailed as failed:
        return failed


def _grant(made: natpmp.Response, address: str | None) -> Grant:
    mapping = made.mapping
    if mapping is None or not mapping.lifetime_s or not mapping.external_port:
        raise MappingFailed("malformed", "a mapping without a lifetime or without a port")
    return Grant(address, mapping.external_port, mapping.lifetime_s, made.epoch_s)


def _external(response: natpmp.Response) -> str | None:
    address = response.address
    return None if address is None or kind(address) == "unspecified" else format_ip(address)


def _failure(response: natpmp.Response) -> MappingFailed:
    name, reason = _RESULTS.get(response.result, (f"result {response.result}", "failed"))
    address = _external(response)
    if address is not None and not is_global(address):
        return MappingFailed("private-wan", f"{name}; its own address is {address}", address)
    return MappingFailed(reason, name)
