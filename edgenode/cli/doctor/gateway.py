"""Whether there is a way out of this network."""

from collections.abc import Callable, Iterable, Sequence

from edgenode.cli.doctor.check import FAILURE, OK, Check
from edgenode.daemon.reach.network import Gateway

NAME = "gateway"


def check_gateway(
    gateways: Sequence[Gateway], silent: Callable[[Iterable[str]], frozenset[str]]
) -> Check:
    """Look for a default router, and whether it answers at all."""
    if not gateways:
        return Check(
            NAME, FAILURE, "there is no default router", "check the network cable or the Wi-Fi"
        )
    routers = dict.fromkeys((gateway.address, gateway.interface) for gateway in gateways)
    mute = silent(address for address, _ in routers)
    shown = ", ".join(f"{address} ({interface})" for address, interface in routers)
    if all(address in mute for address, _ in routers):
        return Check(
            NAME,
            FAILURE,
            f"the router does not answer: {shown}",
            "restart the router, and check the cable or the Wi-Fi",
        )
    return Check(NAME, OK, shown)
