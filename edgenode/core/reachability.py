"""Whether nodes elsewhere can connect to this one: from evidence to a verdict with advice.

Pure: what the gateways said and what peers tried goes in, one verdict comes out.
"""

from edgenode.core.ip import kind, parse_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgenode.core.dialback import Tally
    from edgenode.core.reachview import Mapping, Outcome, View

PUBLIC = "public"  # an own public IPv4 address
MAPPED = "mapped"  # a router passes the port on
IPV6_ONLY = "ipv6-only"  # reachable, but not by IPv4
DOUBLE_NAT = "double-nat"  # the router's own address is private
CGNAT = "cgnat"  # the provider's NAT, 100.64.0.0/10 (RFC 6598)
MAPPING_OFF = "mapping-off"  # nobody opens ports: the router offers no way, or the settings say so
REFUSED = "refused"  # the router offers one, and said no
NO_GATEWAY = "no-gateway"  # no router, or one that is silent or offline
FIREWALLED = "firewalled"  # public or mapped, yet nobody gets in
UNKNOWN = "unknown"  # not yet

VERDICTS = (
    PUBLIC,
    MAPPED,
    IPV6_ONLY,
    DOUBLE_NAT,
    CGNAT,
    MAPPING_OFF,
    REFUSED,
    NO_GATEWAY,
    FIREWALLED,
    UNKNOWN,
)
REACHABLE = (PUBLIC, MAPPED, IPV6_ONLY)

# The `method` of a port that peers reach though nothing here has opened it.
BY_HAND = "manual"

_SILENT_REASONS = ("no-answer", "unsupported")

_NOTHING_TO_DO = "Nothing to do: "
_BY_IPV6_SO_FAR = (
    "Nodes on other networks can connect by IPv6. None has tried by IPv4 yet, where the port is "
    "open as far as this node can tell."
)
_NOT_CONFIRMED = " No node on another network has confirmed yet that it can connect."


class Verdict:
    """The verdict, and what belongs to it.

    `verified`: peers on other networks got through, by either family, `confirmations` of them.
    `method` opened the port: `pcp`, `nat-pmp`, `upnp` or `manual`; None where nothing had to be
    opened, or nothing is. The external address is an IP literal, or None where it is not known, as
    is the port.
    """

    __slots__ = (
        "advice",
        "confirmations",
        "external_address",
        "external_port",
        "method",
        "verdict",
        "verified",
    )

    def __init__(
        self,
        verdict: str,
        advice: str,
        *,
        verified: bool = False,
        method: "str | None" = None,
        external_address: "str | None" = None,
        external_port: "int | None" = None,
        confirmations: int = 0,
    ) -> None:
        self.verdict = verdict
        self.advice = advice
        self.verified = verified
        self.method = method
        self.external_address = external_address
        self.external_port = external_port
        self.confirmations = confirmations

    def to_data(self) -> "dict[str, object]":
        """Return it JSON-ready, under the names that REST gives it."""
        return {
            "verdict": self.verdict,
            "verified": self.verified,
            "method": self.method,
            "externalAddress": self.external_address,
            "externalPort": self.external_port,
            "advice": self.advice,
            "confirmations": self.confirmations,
        }


def judge(
    view: "View", ipv4: "Tally", ipv6: "Tally", *, port: int, silent_gateways: "Iterable[str]" = ()
) -> Verdict:
    """Return the verdict.

    `ipv4` and `ipv6` are what peers found by each family; `port` is the peer port. Gateways whose
    addresses are in `silent_gateways` do not answer at all, not even on their own network.
    """
    by_ipv4 = _judge_ipv4(view, ipv4, port, silent_gateways)
    if by_ipv4 is not None and by_ipv4.verdict in (PUBLIC, MAPPED):
        if ipv6.reached and not by_ipv4.verified:
            # All links may be by IPv6: then nobody is there to try the other.
            by_ipv4.verified = True
            by_ipv4.confirmations = ipv6.confirmed
            by_ipv4.advice = _BY_IPV6_SO_FAR
        return by_ipv4
    by_ipv6 = _judge_ipv6(view, ipv6, port)
    if by_ipv6 is not None and (by_ipv4 is None or by_ipv6.verdict == IPV6_ONLY):
        return by_ipv6
    if by_ipv4 is not None:
        return by_ipv4
    if not view.settled:
        return Verdict(UNKNOWN, "Not known yet: the network is being looked at.")
    return _no_gateway("There is no router: check the network cable or the Wi-Fi.")


def _judge_ipv4(
    view: "View", tried: "Tally", port: int, silent_gateways: "Iterable[str]"
) -> "Verdict | None":
    """Return what holds for IPv4, None where this host has none."""
    own = [address for address in view.own_addresses if _kind(address) == "global"]
    mappings = [mapping for mapping in view.mappings if not mapping.ipv6]
    if tried.reached:
        return _reached(own, mappings, tried)
    if own:
        return _public(own[0], tried, port)
    for mapping in mappings:
        if _kind(mapping.external_address) in ("global", ""):
            return _mapped(mapping, tried)
    return _not_open(view, mappings, port, silent_gateways)


def _reached(own: "list[str]", mappings: "list[Mapping]", tried: "Tally") -> Verdict:
    """Somebody came in: at the address and port where he did."""
    verdict, because = MAPPED, "the router passes the port on"
    method = mappings[0].method if mappings else BY_HAND
    if own:
        verdict, because = PUBLIC, "this node has a public address"
    return Verdict(
        verdict,
        _NOTHING_TO_DO + because + ", and nodes on other networks can connect.",
        verified=True,
        method=None if own else method,
        external_address=tried.address,
        external_port=tried.port,
        confirmations=tried.confirmed,
    )


def _public(address: str, tried: "Tally", port: int) -> Verdict:
    if tried.reached is False:
        return Verdict(
            FIREWALLED,
            "This node has a public address, yet nobody gets in: "
            f"open TCP port {port} in the firewall of this machine, and in the provider's.",
            external_address=address,
            external_port=port,
        )
    return Verdict(
        PUBLIC,
        "This node has a public address." + _NOT_CONFIRMED,
        external_address=address,
        external_port=port,
    )


def _mapped(mapping: "Mapping", tried: "Tally") -> Verdict:
    external = mapping.external_address if _kind(mapping.external_address) else None
    verdict, advice = MAPPED, "The router passes the port on." + _NOT_CONFIRMED
    if tried.reached is False:
        verdict = FIREWALLED
        advice = (
            "The router passes the port on, yet nobody gets in: open the peer port in the firewall "
            "of this machine, or ask the provider whether it blocks incoming connections."
        )
        # The router believes in an address that nobody else sees: some providers use public
        # addresses of others behind their own NAT.
        if external is not None and tried.address is not None and tried.address != external:
            verdict, advice = DOUBLE_NAT, _DOUBLE_NAT_ADVICE
    return Verdict(
        verdict,
        advice,
        method=mapping.method,
        external_address=external or tried.address,
        external_port=mapping.external_port,
    )


_DOUBLE_NAT_ADVICE = (
    "A second router stands between yours and the internet: set one of the two to bridge mode, or "
    "connect this node to the outer one."
)
_SWITCHED_OFF_ADVICE = (
    "Port mapping is switched off in this node's settings ([nat] enabled, [nat] private or "
    "[server] upnp): switch it on, or "
)
_CGNAT_ADVICE = (
    "Your provider shares one address among many customers (CGNAT): ask it for a public IPv4 "
    "address, or for IPv6."
)


def _not_open(
    view: "View", mappings: "list[Mapping]", port: int, silent_gateways: "Iterable[str]"
) -> "Verdict | None":
    """Say why IPv4 has no open port."""
    gateways = [gateway for gateway in view.gateways if not gateway.ipv6]
    failures = [failure for failure in view.failures if not failure.ipv6]
    outcomes: list[Outcome] = []
    outcomes.extend(mappings)
    outcomes.extend(failures)
    behind = _behind(
        [entry.external_address for entry in outcomes],
        [gateway.own_address for gateway in gateways],
        said_so=any(failure.reason == "private-wan" for failure in failures),
    )
    if behind is not None or not gateways:
        return behind
    by_hand = f"forward TCP port {port} to this node by hand."
    if not view.asked:
        return Verdict(MAPPING_OFF, _SWITCHED_OFF_ADVICE + by_hand)
    if not view.settled:
        return Verdict(UNKNOWN, "Not known yet: the router is being asked to open a port.")
    silent = set(silent_gateways)
    if all(gateway.address in silent for gateway in gateways):
        return _no_gateway("The router does not answer: restart it, and check the cable or Wi-Fi.")
    return _of_reasons([failure.reason for failure in failures], by_hand)


def _behind(outside: "list[str | None]", own: "list[str]", *, said_so: bool) -> "Verdict | None":
    """Tell whether a second NAT is there, by gateways' outer addresses and this host's own."""
    # A host that the provider gives a shared address directly has no router to ask.
    outside = outside + [address for address in own if _kind(address) == CGNAT]
    private = [address for address in outside if _kind(address) not in ("", "global")]
    shared = [address for address in private if _kind(address) == CGNAT]
    if shared:
        return Verdict(CGNAT, _CGNAT_ADVICE, external_address=shared[0])
    if private or said_so:
        address = private[0] if private else None
        return Verdict(DOUBLE_NAT, _DOUBLE_NAT_ADVICE, external_address=address)
    return None


# What a router may say, the most telling first.
_REFUSALS = (
    ("refused", "The router refused to open a port: allow this node in its UPnP settings, or "),
    ("no-room", "The router's list of opened ports is full: delete some there, or "),
    ("conflict", "Another device has the port in the router: set another one ([nat] public), or "),
)


def _of_reasons(reasons: "list[str]", by_hand: str) -> Verdict:
    """Turn the failures of a router that answers into what its owner can do."""
    for reason, advice in _REFUSALS:
        if reason in reasons:
            return Verdict(REFUSED, advice + by_hand)
    if "network-down" in reasons:
        return _no_gateway("The router has no connection to the internet.")
    if all(reason in _SILENT_REASONS for reason in reasons):
        advice = "The router opens no ports: switch on UPnP, NAT-PMP or PCP in its settings, or "
        return Verdict(MAPPING_OFF, advice + by_hand)
    return Verdict(REFUSED, "The router failed to open a port: restart it, or " + by_hand)


def _judge_ipv6(view: "View", tried: "Tally", port: int) -> "Verdict | None":
    """Return what holds for IPv6, None where this host has none."""
    own = [address for address in view.own_ipv6 if _kind(address) == "global"]
    pinholes = [mapping for mapping in view.mappings if mapping.ipv6]
    if not own and not tried.reached:
        return None
    address = tried.address or (pinholes[0].external_address if pinholes else own[0])
    if tried.reached or (pinholes and tried.reached is None):
        advice = "Nodes with IPv6 can connect, those that have IPv4 alone cannot."
        return Verdict(
            IPV6_ONLY,
            advice if tried.reached else advice + _NOT_CONFIRMED,
            verified=bool(tried.reached),
            method=pinholes[0].method if pinholes else None,
            external_address=address,
            external_port=tried.port or port,
            confirmations=tried.confirmed,
        )
    if tried.reached is False:
        return Verdict(
            FIREWALLED,
            "This node has an IPv6 address, yet nobody gets in: "
            f"open TCP port {port} for it in the firewall of the router, and of this machine.",
            external_address=address,
            external_port=port,
        )
    return Verdict(UNKNOWN, "Not known yet: no node on another network has tried to connect.")


def _no_gateway(advice: str) -> Verdict:
    return Verdict(NO_GATEWAY, advice)


def _kind(address: "str | None") -> str:
    """Return what an address is, "" where it is not known: none, garbage, or all zeros."""
    packed = parse_ip(address) if address else None
    found = "" if packed is None else kind(packed)
    return "" if found == "unspecified" else found
