"""What a node says of itself in each kind of home, with peers on the WAN to be asked."""

from collections.abc import Callable

import pytest

from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.miniupnpd import PCP_ALONE, Offers
from tests.lab.support.node import PEER_PORT, LabNodes
from tests.lab.support.rules import Rule

PATIENCE_S = 30.0
"""Whether a gateway is silent shows only after UPnP's search, and peers are asked in turn."""


def behind_another(lab: Lab) -> Host:
    return lab.home("a", Offers(), lab.router("provider", lan="10.0.0")).host


def behind_the_providers(lab: Lab) -> Host:
    return lab.home("a", Offers(), lab.router("provider", lan="100.64.0")).host


def upnp_off(lab: Lab) -> Host:
    return lab.home("a", PCP_ALONE, ipv6=False).host


def all_off(lab: Lab) -> Host:
    return lab.home("a", None, ipv6=False).host


def refusing(lab: Lab) -> Host:
    return lab.home("a", Offers(refuse=True), ipv6=False).host


def by_ipv6_alone(lab: Lab) -> Host:
    return lab.home("a", None, ipv6_open=True).host


def shut_off_by_the_provider(lab: Lab) -> Host:
    home = lab.home("a", Offers(), ipv6=False)
    incoming = f"ip daddr {home.router.wan.address} tcp dport {PEER_PORT} tcp flags syn / syn,ack"
    Rule(lab.wan.namespace, incoming, drop=True)
    return home.host


def one_of_two_dead(lab: Lab) -> Host:
    first, second = lab.router("first", ipv6=False), lab.router("second", lan="192.168.2")
    lab.gateway(first, Offers())
    lab.gateway(second, Offers())
    host = lab.host("a", first, second)
    first.die()
    host.namespace.ip(  # the host's owner has noticed, and prefers the other
        f"route replace default via {second.address} dev eth1 metric 50"
    )
    return host


def public(lab: Lab) -> Host:
    return lab.host("a")


@pytest.mark.parametrize(
    ("make", "verdict", "method"),
    [
        pytest.param(public, "public", None, marks=pytest.mark.ci),
        pytest.param(upnp_off, "mapped", "pcp", marks=pytest.mark.ci),
        pytest.param(by_ipv6_alone, "ipv6-only", None, marks=pytest.mark.ci),
        pytest.param(behind_another, "double-nat", None, marks=pytest.mark.ci),
        (behind_the_providers, "cgnat", None),
        pytest.param(all_off, "mapping-off", None, marks=pytest.mark.ci),
        (refusing, "refused", None),
        pytest.param(shut_off_by_the_provider, "firewalled", "pcp", marks=pytest.mark.ci),
        pytest.param(one_of_two_dead, "mapped", "pcp", marks=pytest.mark.ci),
    ],
)
async def test_verdict(
    lab: Lab, nodes: LabNodes, make: Callable[[Lab], Host], verdict: str, method: str | None
) -> None:
    witnesses = [lab.host("public1"), lab.host("public2")]
    for witness in witnesses:
        await nodes.start(witness.namespace.name, witness)
    host = make(lab)
    by_ipv6 = verdict == "ipv6-only"
    knows = [witness.address6 if by_ipv6 else witness.address for witness in witnesses]
    node = await nodes.start("a", host, knows=knows)
    reachable = verdict in ("public", "mapped", "ipv6-only")
    said = await node.has_verdict(verdict, verified=reachable, timeout_s=PATIENCE_S)
    assert said["method"] == method
    assert said["advice"]
    assert said["since"]


@pytest.mark.parametrize("how", ["no route", pytest.param("dead router", marks=pytest.mark.ci)])
async def test_without_a_gateway(lab: Lab, nodes: LabNodes, how: str) -> None:
    home = lab.home("a", Offers(), ipv6=False)
    if how == "no route":
        home.host.lose_routes()
    else:
        home.router.die()
    node = await nodes.start("a", home.host)
    assert not (await node.has_verdict("no-gateway", timeout_s=PATIENCE_S))["verified"]


@pytest.mark.ci
async def test_a_gateway_that_comes_later_is_used(lab: Lab, nodes: LabNodes) -> None:
    home, witness = lab.home("a", Offers(), ipv6=False), lab.host("public")
    await nodes.start("public", witness)
    home.host.cut()
    node = await nodes.start("a", home.host, knows=[witness.address])
    await node.has_verdict("no-gateway", timeout_s=PATIENCE_S)
    home.host.mend()
    await node.has_verdict("mapped", verified=True, timeout_s=PATIENCE_S)
