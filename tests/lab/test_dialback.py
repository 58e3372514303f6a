"""Whether a node knows that it can be reached: told by peers on other networks, over the wire."""

import asyncio

from edgenode.core.reachevents import PATH
from tests.integration.support.wait import eventually
from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.node import PEER_PORT, LabNode, LabNodes
from tests.lab.support.router import WAN, Router
from tests.lab.support.rules import Rule
from tests.lab.support.talk import get

PATIENCE_S = 20.0
_NEW = f"tcp dport {PEER_PORT} tcp flags syn / syn,ack"


async def has_confirmations(node: LabNode, count: int) -> None:
    async def counted() -> bool:
        return bool((await node.reachability())["confirmations"] == count)

    await eventually(counted, f"{node.name}: {count} confirmations", timeout_s=PATIENCE_S)


def forward_by_hand(router: Router, host: Host, port: int) -> None:
    """What an owner does who finds the page for it."""
    router.namespace.nft(
        "table inet byhand {\nchain prerouting {\n"
        "type nat hook prerouting priority -101; policy accept;\n"
        f"iifname {WAN} tcp dport {port} dnat ip to {host.address}:{PEER_PORT}\n"
        "}\n}\n"
        "insert rule inet filter forward ct status dnat accept\n"
    )


async def test_public_nodes_confirm_one_another(lab: Lab, nodes: LabNodes) -> None:
    hosts = [lab.host(name) for name in ("one", "two", "three", "four")]
    first = await nodes.start("one", hosts[0])
    others = [
        await nodes.start(str(number), host, knows=[hosts[0].address])
        for number, host in enumerate(hosts[1:], 2)
    ]
    said = await first.has_verdict("public", verified=True, timeout_s=PATIENCE_S)
    assert said["externalAddress"] == hosts[0].address
    assert said["externalPort"] == PEER_PORT
    assert said["method"] is None
    await has_confirmations(first, 3)
    info = await first.rest.info()
    assert info["addresses"][0] == f"{hosts[0].address}:{PEER_PORT}"
    # Those who dialled begin with one link, whose word is enough where there is no other.
    said = await others[0].has_verdict("public", verified=True, timeout_s=PATIENCE_S)
    assert said["confirmations"] >= 1


async def test_a_firewall_is_noticed_and_its_end_too(lab: Lab, nodes: LabNodes) -> None:
    hosts = [lab.host(name) for name in ("public", "closed")]
    await nodes.start("public", hosts[0])
    hosts[1].namespace.nft(
        "table inet closed {\nchain input {\ntype filter hook input priority 0; policy accept;\n"
        f"{_NEW} reject with tcp reset\n"
        "}\n}\n"
    )
    closed = await nodes.start("closed", hosts[1], knows=[hosts[0].address])
    said = await closed.has_verdict("firewalled", timeout_s=PATIENCE_S)
    assert said["verified"] is False
    assert "firewall" in said["advice"]
    addresses = (await closed.rest.info())["addresses"]
    assert f"{hosts[1].address}:{PEER_PORT}" not in addresses
    hosts[1].namespace.nft("delete table inet closed\n")
    await closed.has_verdict("public", verified=True, timeout_s=2 * PATIENCE_S)


async def test_a_port_forwarded_by_hand_is_found(lab: Lab, nodes: LabNodes) -> None:
    public, home = lab.host("public"), lab.home("home", None)
    await nodes.start("public", public)
    forward_by_hand(home.router, home.host, PEER_PORT)
    node = await nodes.start("home", home.host, knows=[public.address])
    said = await node.has_verdict("mapped", verified=True, timeout_s=PATIENCE_S)
    assert said["method"] == "manual"
    assert said["externalAddress"] == home.router.wan.address
    info = await node.rest.info()
    assert info["addresses"][0] == f"{home.router.wan.address}:{PEER_PORT}"


async def test_ipv6_is_told_over_its_own_links(lab: Lab, nodes: LabNodes) -> None:
    public, home = lab.host("public"), lab.home("home", None, ipv6_open=True)
    await nodes.start("public", public)
    node = await nodes.start("home", home.host, knows=[public.address6])
    said = await node.has_verdict("ipv6-only", verified=True, timeout_s=PATIENCE_S)
    assert said["externalAddress"] == home.host.address6
    assert said["externalPort"] == PEER_PORT


async def test_neighbours_cannot_tell(lab: Lab, nodes: LabNodes) -> None:
    router = lab.router("router", ipv6=False)
    hosts = [lab.host(name, router) for name in ("one", "two")]
    with Rule(hosts[0].namespace, _NEW) as connections:
        first = await nodes.start("one", hosts[0])
        second = await nodes.start("two", hosts[1], knows=[hosts[0].address])
        await first.linked_with(second)
        await asyncio.sleep(3)  # twice as long as an asking takes to begin
        assert connections.packets == 1  # the link
    for node in (first, second):
        said = await node.reachability()
        assert (said["verified"], said["confirmations"]) == (False, 0)


async def test_a_knock_that_nobody_was_asked_for_leads_nowhere(lab: Lab, nodes: LabNodes) -> None:
    host, public = lab.host("one"), lab.host("two")
    node = await nodes.start("one", host)
    status = await asyncio.to_thread(
        get, public.namespace, host.address, PEER_PORT, f"{PATH}{'ab' * 16}"
    )
    assert status == 404
    assert (await node.reachability())["verified"] is False
