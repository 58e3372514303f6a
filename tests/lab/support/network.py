"""What every network of the laboratory offers: a place with an address and a way out."""

from typing import NamedTuple, Protocol

from tests.lab.support.namespace import Namespace

ROUTER_LINK_LOCAL = "fe80::1"
"""Of the router on each link."""


class Place(NamedTuple):
    """An interface of a namespace in a network."""

    interface: str
    address: str
    prefix_length: int
    gateway: str
    address6: str | None  # a global address, of a /64; None where the network has no IPv6


class Network(Protocol):
    """Something to plug into."""

    def plug(self, namespace: Namespace, interface: str) -> Place:
        """Give `namespace` an interface with addresses there, up, without any route."""
        ...


def lay_cable(
    near: Namespace, interface: str, far: Namespace, far_interface: str, *more: str
) -> None:
    """Join two namespaces by a pair of interfaces, both up; `more`: `ip` commands for `far`."""
    far.ip(
        f"link add {far_interface} type veth peer name {interface} netns {near.name}",
        f"link set {far_interface} up",
        *more,
    )
    near.ip(f"link set {interface} up")


def route_out(namespace: Namespace, place: Place, metric: int) -> None:
    """Let the network's gateway be a way to everywhere; of several the lowest metric is taken."""
    lines = [f"route add default via {place.gateway} dev {place.interface} metric {metric}"]
    if place.address6 is not None:
        lines.append(
            f"route add ::/0 via {ROUTER_LINK_LOCAL} dev {place.interface} metric {metric}"
        )
    namespace.ip(*lines)


def addresses(place: Place) -> list[str]:
    """The `ip` commands that give a place its addresses."""
    lines = [f"addr add {place.address}/{place.prefix_length} dev {place.interface}"]
    if place.address6 is not None:
        lines.append(f"addr add {place.address6}/64 dev {place.interface} nodad")
    return lines
