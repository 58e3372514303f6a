"""A computer in a home, or on the WAN."""

from collections.abc import Sequence

from tests.lab.support.namespace import Namespace
from tests.lab.support.network import ROUTER_LINK_LOCAL, Network, Place, route_out


class Host:
    """Plugged into each network, with a default route by each; the first is preferred."""

    def __init__(self, namespace: Namespace, networks: Sequence[Network]) -> None:
        self.namespace = namespace
        self.places: list[Place] = []
        for number, network in enumerate(networks):
            place = network.plug(namespace, f"eth{number}")
            route_out(namespace, place, 100 + number)
            self.places.append(place)

    @property
    def address(self) -> str:
        """Its IPv4 address in the first network."""
        return self.places[0].address

    @property
    def address6(self) -> str:
        """Its global IPv6 address in the first network, which must have IPv6."""
        assert self.places[0].address6 is not None
        return self.places[0].address6

    def cut(self, number: int = 0) -> None:
        """Take an interface down: addresses of IPv6 and all routes by it go."""
        self.namespace.ip(f"link set {self.places[number].interface} down")

    def mend(self, number: int = 0) -> None:
        """Bring it up again, with the addresses and routes that it had."""
        place = self.places[number]
        lines = [f"link set {place.interface} up"]
        if place.address6 is not None:
            lines.append(f"addr replace {place.address6}/64 dev {place.interface} nodad")
        self.namespace.ip(*lines)
        route_out(self.namespace, place, 100 + number)

    def lose_routes(self) -> None:
        """Have no default route any more."""
        for place in self.places:
            self.namespace.ip(f"route del default dev {place.interface}")
            if place.address6 is not None:
                self.namespace.ip(f"route del ::/0 via {ROUTER_LINK_LOCAL} dev {place.interface}")
