"""The network between homes: a router that reaches every line, and nothing beyond."""

from tests.lab.support.namespace import Namespace
from tests.lab.support.network import ROUTER_LINK_LOCAL, Place, addresses, lay_cable

MAX_LINES = 60
"""Their numbers make addresses that stay outside all reserved ranges."""


class Wan:
    """Gives each line a network of its own, by IPv4 and IPv6.

    Their addresses are outside all reserved ranges, since miniupnpd maps nothing for a gateway
    whose own address is in one; no namespace has a way to the real networks that they belong to.
    """

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self._lines = 0
        namespace.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1})

    def plug(self, namespace: Namespace, interface: str) -> Place:
        """Lay a line of its own."""
        self._lines += 1
        number = self._lines
        assert number <= MAX_LINES
        # Lines are in different networks by any prefix from /8 (IPv4) and /16 (IPv6) up.
        net, net6 = f"{20 + number}.{number}.0", f"2a{number:02x}:1"
        place = Place(interface, f"{net}.2", 24, f"{net}.1", f"{net6}::2")
        line = f"line{number}"
        lay_cable(
            namespace,
            interface,
            self.namespace,
            line,
            f"addr add {net}.1/24 dev {line}",
            f"addr add {net6}::1/64 dev {line} nodad",
            f"addr add {ROUTER_LINK_LOCAL}/64 dev {line} nodad",
        )
        namespace.ip(*addresses(place))
        return place

    def delegate(self, place: Place) -> str:
        """Route a /64 to a line's customer; return its beginning, without the colons."""
        assert place.address6 is not None
        net6 = place.address6.removesuffix("::2")
        self.namespace.ip(f"route add {net6}:1::/64 via {place.address6}")
        return f"{net6}:1"
