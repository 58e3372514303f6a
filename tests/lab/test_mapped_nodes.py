"""Two nodes in two homes, both behind NAT: reached through what the router opened."""

import asyncio

import pytest

from edgenode.reach.telling import NAMES
from tests.integration.support.wait import eventually
from tests.lab.support.lab import Home, Lab
from tests.lab.support.miniupnpd import NAT_PMP_ALONE, PCP_ALONE, UPNP_ALONE, Mapping, Offers
from tests.lab.support.node import PEER_PORT, LabNode, LabNodes
from tests.lab.support.rules import ANNOUNCES, Rule

PINHOLE_BY = [(PCP_ALONE, "pcp"), (UPNP_ALONE, "upnp")]
MAPPING_BY = [*PINHOLE_BY, (NAT_PMP_ALONE, "nat-pmp")]
EACH_METHOD = pytest.mark.parametrize(
    "offers",
    [
        pytest.param(Offers(), id="all"),
        *(pytest.param(offers, id=method, marks=pytest.mark.ci) for offers, method in MAPPING_BY),
    ],
)
RESTARTS = 100

ANNOUNCED_S = 2.0
UNHEARD_S = 30.0
"""Where announces are blocked, and a link has died of what happened."""

UNNOTICED_S = 600.0
"""Where nothing at all tells of it."""

ANSWER_S = 2.0


async def is_mapped(home: Home, timeout_s: float = 10.0) -> Mapping:
    """Wait until the gateway has one mapping, that of a node at the host."""

    async def one() -> bool:
        return len(home.daemon.mappings) == 1

    await eventually(one, "one mapping on the gateway", timeout_s=timeout_s)
    (mapping,) = home.daemon.mappings
    assert mapping == ("TCP", mapping.port, home.host.address, PEER_PORT)
    return mapping


async def has_pinhole(home: Home) -> None:
    async def one() -> bool:
        return len(home.daemon.pinholes) == 1

    await eventually(one, "one pinhole on the gateway")
    assert home.daemon.pinholes == [Mapping("TCP", PEER_PORT, home.host.address6, PEER_PORT)]


async def exchange(a: LabNode, b: LabNode) -> None:
    """Each gets a block that the other holds."""
    for giver, taker in ((a, b), (b, a)):
        data = f"a block of {giver.name}".encode()
        held = await giver.rest.post(data)
        assert (await taker.rest.get(held)).body == data


@pytest.mark.parametrize(("offers", "method"), MAPPING_BY)
async def test_nodes_link_through_a_mapped_port(
    lab: Lab, nodes: LabNodes, offers: Offers, method: str
) -> None:
    home_a = lab.home("a", offers, ipv6=False)
    home_b = lab.home("b", offers, ipv6=False)
    a = await nodes.start("a", home_a.host)
    await is_mapped(home_a)
    b = await nodes.start("b", home_b.host, knows=[home_a.router.wan.address])
    await b.linked_with(a)
    await exchange(a, b)
    said = await a.has_verdict("mapped")
    assert (said["method"], said["externalAddress"], said["externalPort"]) == (
        method,
        home_a.router.wan.address,
        PEER_PORT,
    )
    await a.stop()
    assert home_a.daemon.mappings == []


@pytest.mark.parametrize(("offers", "method"), PINHOLE_BY)
async def test_nodes_link_through_a_pinhole(
    lab: Lab, nodes: LabNodes, offers: Offers, method: str
) -> None:
    home_a, home_b = lab.home("a", offers), lab.home("b", None)
    a = await nodes.start("a", home_a.host)
    await has_pinhole(home_a)
    b = await nodes.start("b", home_b.host, knows=[home_a.host.address6])
    await b.linked_with(a)
    await exchange(a, b)
    opened = f"lets in to [{home_a.host.address6}]:{PEER_PORT} ({NAMES[method]})"
    assert any(opened in line for line in a.lines)
    await a.stop()
    assert home_a.daemon.pinholes == []


@pytest.mark.ci
@pytest.mark.parametrize(("offers", "method"), PINHOLE_BY)
async def test_each_address_has_its_pinhole(
    lab: Lab, nodes: LabNodes, offers: Offers, method: str
) -> None:
    """A gateway opens them for the address alone that it is asked from."""
    home = lab.home("a", offers)
    net, _, _ = home.host.address6.rpartition(":")
    addresses = {home.host.address6, f"{net}:99"}
    home.host.namespace.ip(f"addr add {net}:99/64 dev eth0 nodad")
    a = await nodes.start("a", home.host)

    async def all_open() -> bool:
        return {hole.address for hole in home.daemon.pinholes} == addresses

    await eventually(all_open, "a pinhole for each")
    for address in addresses:
        await a.logged(rf"lets in to \[{address}\].* \({NAMES[method]}\)")
    await a.stop()
    assert home.daemon.pinholes == []


@EACH_METHOD
async def test_mapped_again_after_the_gateway_reboots(
    lab: Lab, nodes: LabNodes, offers: Offers
) -> None:
    home = lab.home("a", offers, ipv6=False)
    await nodes.start("a", home.host)
    before = await is_mapped(home)
    home.daemon.reboot()  # which empties its table
    assert await is_mapped(home, ANNOUNCED_S) == before


@pytest.mark.ci
async def test_new_wan_address_is_told(lab: Lab, nodes: LabNodes) -> None:
    """By a daemon that announces it: this one does where it offers everything."""
    home, public = lab.home("a", Offers(), ipv6=False), lab.host("public")
    witness = await nodes.start("public", public)
    a = await nodes.start("a", home.host, knows=[public.address])
    await a.linked_with(witness)
    await a.has_verdict("mapped", verified=True)
    address = home.router.change_wan_address()

    async def told() -> bool:
        return bool((await a.reachability())["externalAddress"] == address)

    await eventually(told, "the new address", timeout_s=ANNOUNCED_S)
    await is_mapped(home)


@pytest.mark.ci
@EACH_METHOD
async def test_mapped_again_without_announces_after_a_link_died(
    lab: Lab, nodes: LabNodes, offers: Offers
) -> None:
    home, public = lab.home("a", offers, ipv6=False), lab.host("public")
    witness = await nodes.start("public", public)
    a = await nodes.start("a", home.host, knows=[public.address])
    await a.linked_with(witness)
    before = await is_mapped(home)
    with Rule(home.host.namespace, ANNOUNCES, drop=True):
        home.daemon.reboot()
        await witness.kill()  # its connections are reset, as by a router that forgot them
        assert await is_mapped(home, UNHEARD_S) == before


@pytest.mark.full
async def test_mapped_again_where_nothing_tells_of_the_reboot(lab: Lab, nodes: LabNodes) -> None:
    """By each method; the three homes wait at the same time."""

    async def wait_in(offers: Offers, method: str) -> None:
        home = lab.home(method, offers, ipv6=False)
        node = await nodes.start(method, home.host)
        before = await is_mapped(home)
        assert (await node.has_verdict("mapped"))["method"] == method
        # A gateway is asked ten minutes after it was asked last, and answers in its time.
        await asyncio.sleep(ANSWER_S)
        Rule(home.host.namespace, ANNOUNCES, drop=True)
        home.daemon.reboot()
        assert await is_mapped(home, UNNOTICED_S) == before

    await asyncio.gather(*(wait_in(offers, method) for offers, method in MAPPING_BY))


@pytest.mark.ci
async def test_the_external_port_is_kept_over_a_restart(lab: Lab, nodes: LabNodes) -> None:
    """Also where another port was granted than asked for, and the node was killed."""
    await _restarts(lab, nodes, count=2)


@pytest.mark.full
async def test_the_external_port_is_kept_over_many_restarts(lab: Lab, nodes: LabNodes) -> None:
    await _restarts(lab, nodes, count=RESTARTS)


async def _restarts(lab: Lab, nodes: LabNodes, *, count: int) -> None:
    router = lab.router("router", ipv6=False)
    home = Home(router, lab.host("a", router), lab.gateway(router, Offers()))
    other = lab.host("other", router)
    await asyncio.to_thread(
        other.namespace.run,
        *("upnpc", "-m", "eth0", "-a", other.address, "5000", f"{PEER_PORT}", "TCP"),
    )
    theirs = home.daemon.mappings
    assert [mapping.port for mapping in theirs] == [PEER_PORT]

    async def ours() -> list[Mapping]:
        return [mapping for mapping in home.daemon.mappings if mapping not in theirs]

    async def mapped() -> bool:
        return len(await ours()) == 1

    a = await nodes.start("a", home.host)
    await eventually(mapped, "mapped")
    first = await ours()
    for number in range(count):
        await (a.kill() if number % 2 else a.stop())
        assert await ours() == (first if number % 2 else [])
        await a.start()
        await eventually(mapped, f"mapped again, restart {number + 1}")
        said = await a.has_verdict("mapped")
        assert await ours() == first, f"restart {number + 1}"
        assert said["externalPort"] == first[0].port
    await a.stop()
    assert home.daemon.mappings == theirs
