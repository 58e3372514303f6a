"""Calls at a gateway's control URL, and what its error codes mean to us."""

from edgenode.reach.igd import http, soap
from edgenode.reach.igd.description import Service
from edgenode.reach.igd.xmlscan import BadXml
from edgenode.reach.method import Gateway, MappingFailed

# Slow gateways write their flash before they answer to a mapping.
CALL_S = 4.0

_UNAUTHORISED = (401, 403)

# UPnP Device Architecture 1.1 table 3-3, WANIPConnection:2 section 2.5 and WANIPv6FirewallControl:1
# section 2.4.
INVALID_ARGS = 402
PINHOLE_UNKNOWN = 704
NOT_IN_ARRAY = 714
CONFLICT = 718
SAME_PORT_ONLY = 724
PERMANENT_ONLY = 725
_REASONS = {
    401: "unsupported",  # no such action
    602: "unsupported",  # optional action not implemented
    603: "no-room",  # out of memory
    604: "refused",  # human intervention required
    606: "refused",  # action not authorised
    701: "no-room",  # pinhole space exhausted
    702: "unsupported",  # the firewall is off, there are no pinholes
    703: "refused",  # inbound pinholes are not allowed
    705: "unsupported",  # protocol
    706: "unsupported",  # wildcards ...
    707: "unsupported",
    715: "unsupported",
    716: "unsupported",
    CONFLICT: "conflict",
    SAME_PORT_ONLY: "unsupported",
    PERMANENT_ONLY: "unsupported",
    726: "unsupported",
    727: "unsupported",
    728: "no-room",  # no port maps available
    729: "conflict",  # with another mechanism of the gateway's
}


class SoapFault(Exception):
    """The gateway refuses a call; `code` is UPnP's error code."""

    def __init__(self, action: str, code: int) -> None:
        super().__init__(f"{action}: error {code}")
        self.code = code

    def failed(self) -> MappingFailed:
        """Give what it comes to for the mapping."""
        return MappingFailed(_REASONS.get(self.code, "failed"), str(self))


async def call(
    gateway: Gateway, service: Service, action: str, arguments: list[tuple[str, str]]
) -> dict[str, str]:
    """Make a call at the gateway and give the values of the answer.

    Raises `SoapFault`, and `MappingFailed` where there is no answer to it.
    """
    return await forward(
        gateway, service, action, soap.call(service.service_type, action, arguments)
    )


async def forward(gateway: Gateway, service: Service, action: str, body: bytes) -> dict[str, str]:
    """Make the call whose SOAP text is `body`; else as `call`."""
    soap_action = f"{service.service_type}#{action}"
    request = http.post(gateway, service.port, service.path, soap_action, body)
    try:
        response = await http.exchange(gateway, service.port, request, total_s=CALL_S)
        if response.status in _UNAUTHORISED:
            raise MappingFailed("refused", f"{action}: HTTP {response.status}")
        answer = soap.read_answer(response.body)
    except http.NoAnswer as error:
        raise MappingFailed("no-answer", f"{action}: {error}") from None
    except (http.BadAnswer, BadXml) as error:
        raise MappingFailed("malformed", f"{action}: {error}") from None
    if answer.fault:
        raise SoapFault(action, answer.fault)
    return answer.values
