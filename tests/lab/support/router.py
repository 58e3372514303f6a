"""A home's router: the kernel's NAT for IPv4, a firewall for IPv6, a LAN behind it."""

from tests.lab.support.namespace import Namespace
from tests.lab.support.network import (
    ROUTER_LINK_LOCAL,
    Network,
    Place,
    addresses,
    lay_cable,
    route_out,
)
from tests.lab.support.wan import Wan

WAN = "wan0"
LAN = "lan0"

# What comes in from outside is dropped unless it belongs to a connection from inside, or the
# gateway's daemon has put a rule into one of its own chains. IPv6 needs ICMP (RFC 4890).
_RULES = """\
table inet filter {{
  chain input {{
    type filter hook input priority 0; policy accept;
    ct state established,related accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    iifname "{wan}" drop
  }}
  chain forward {{
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "{lan}" accept
    meta l4proto ipv6-icmp accept
    {ipv6_rule}
    jump miniupnpd
  }}
  chain miniupnpd {{ }}
  chain prerouting {{
    type nat hook prerouting priority -100; policy accept;
    jump prerouting_miniupnpd
  }}
  chain prerouting_miniupnpd {{ }}
  chain postrouting {{
    type nat hook postrouting priority 100; policy accept;
    jump postrouting_miniupnpd
    oifname "{wan}" meta nfproto ipv4 masquerade {masquerade}
  }}
  chain postrouting_miniupnpd {{ }}
}}
"""


class Router:
    """A router plugged into `uplink` (the WAN, or another router's LAN), with a LAN of its own.

    `lan`: the first three numbers of its /24. With `ipv6` and the WAN as uplink its hosts have
    global IPv6 addresses, else none; `ipv6_open`: everyone gets in by IPv6. `random_ports`: its
    NAT gives each connection another external port (RFC 4787: address and port-dependent mapping),
    so that no punched hole is found.
    """

    def __init__(
        self,
        namespace: Namespace,
        uplink: Network,
        *,
        lan: str = "192.168.1",
        ipv6: bool = True,
        ipv6_open: bool = False,
        random_ports: bool = False,
    ) -> None:
        self.namespace = namespace
        self.lan = lan
        self._hosts = 0
        self._net6: str | None = None
        namespace.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1})
        self.wan = uplink.plug(namespace, WAN)
        route_out(namespace, self.wan, 100)
        namespace.ip(
            f"link add {LAN} type bridge mcast_snooping 0",
            f"link set {LAN} up",
            f"addr add {lan}.1/24 dev {LAN}",
            f"addr add {ROUTER_LINK_LOCAL}/64 dev {LAN} nodad",
            # The gateway's announces go to the LAN alone.
            f"route add 224.0.0.0/4 dev {LAN}",
        )
        if ipv6 and isinstance(uplink, Wan):
            self._net6 = uplink.delegate(self.wan)
            namespace.ip(f"addr add {self._net6}::1/64 dev {LAN} nodad")
        masquerade = "fully-random" if random_ports else ""
        ipv6_rule = "meta nfproto ipv6 accept" if ipv6_open else ""
        self.rules = _RULES.format(wan=WAN, lan=LAN, masquerade=masquerade, ipv6_rule=ipv6_rule)
        namespace.nft(self.rules)

    @property
    def address(self) -> str:
        """Its address in the LAN: the default gateway of the hosts."""
        return f"{self.lan}.1"

    @property
    def ipv6(self) -> bool:
        """Tell whether its hosts have global IPv6 addresses."""
        return self._net6 is not None

    def plug(self, namespace: Namespace, interface: str) -> Place:
        """Give a place in the LAN."""
        self._hosts += 1
        end = 9 + self._hosts
        address6 = None if self._net6 is None else f"{self._net6}::{end}"
        place = Place(interface, f"{self.lan}.{end}", 24, self.address, address6)
        port = f"port{self._hosts}"
        lay_cable(namespace, interface, self.namespace, port, f"link set {port} master {LAN}")
        namespace.ip(*addresses(place))
        return place

    def change_wan_address(self) -> str:
        """Take another address of the same line, as after a new dial-in; return it."""
        old = self.wan
        net, _, end = old.address.rpartition(".")
        self.wan = old._replace(address=f"{net}.{int(end) + 1}")
        self.namespace.ip(
            f"addr del {old.address}/{old.prefix_length} dev {WAN}",
            f"addr add {self.wan.address}/{old.prefix_length} dev {WAN}",
            f"route add default via {old.gateway} dev {WAN} metric 100",
        )
        return self.wan.address

    def forget(self) -> None:
        """Lose what a daemon has mapped, as at a power cut."""
        self.namespace.nft(f"delete table inet filter\n{self.rules}")

    def die(self) -> None:
        """Answer nothing in the LAN any more, not even who has its address."""
        self.namespace.ip(f"link set {LAN} down")
