"""One line in the log for each change of what is mapped, and none for anything else."""

import logging

from edgenode.reach.method import Gateway
from edgenode.reach.view import Failure, Mapping, View

NAMES = {"pcp": "PCP", "nat-pmp": "NAT-PMP", "upnp": "UPnP"}

log = logging.getLogger(__name__)


def log_change(before: View | None, after: View) -> None:
    """Log what `after` has that `before` had not."""
    for gateway in after.gateways:
        was, now = _mapping(before, gateway), _mapping(after, gateway)
        if now is not None:
            if now != was:
                log.info("%s", _mapped(now))
            continue
        failures = _failures(after, gateway)
        reasons = _reasons(failures)
        if reasons and (was is not None or reasons != _reasons(_failures(before, gateway))):
            log.info(
                "gateway %s maps no port%s: %s",
                gateway.address,
                " any more" if was is not None else "",
                "; ".join(
                    f"{NAMES[one.method]} {one.reason} ({one.detail})"[:160] for one in failures
                ),
            )
    if after.asked and not after.gateways and (before is None or before.gateways):
        log.info("there is no gateway, so no port is mapped")


def _mapped(mapping: Mapping) -> str:
    method, port = NAMES[mapping.method], mapping.external_port
    if mapping.ipv6:
        return (
            f"gateway {mapping.gateway} lets in to [{mapping.internal_address}]:{port} ({method})"
        )
    address = mapping.external_address or "its external address"
    return (
        f"gateway {mapping.gateway} passes {address} port {port} on to this node's port "
        f"{mapping.internal_port} ({method})"
    )


def _mapping(view: View | None, gateway: Gateway) -> Mapping | None:
    for mapping in view.mappings if view is not None else ():
        if (mapping.gateway, mapping.interface, mapping.internal_address) == (
            gateway.address,
            gateway.interface,
            gateway.own_address,
        ):
            return mapping._replace(lifetime_s=0)
    return None


def _failures(view: View | None, gateway: Gateway) -> list[Failure]:
    found = view.failures if view is not None else ()
    return [
        one
        for one in found
        if (one.gateway, one.interface, one.ipv6)
        == (gateway.address, gateway.interface, gateway.ipv6)
    ]


def _reasons(failures: list[Failure]) -> list[tuple[str, str]]:
    return [(one.method, one.reason) for one in failures]
