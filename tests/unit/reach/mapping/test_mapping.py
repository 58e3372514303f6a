"""Getting a mapping: the race, the order, conflicts, failures, what is told of it."""

import asyncio

import pytest

from edgenode.reach.method import Gateway, MappingFailed
from edgenode.reach.wanted import FIRST_SPARE, Wanted
from tests.unit.reach.mapping.home import ALL, GATEWAY, PORT, Home
from tests.unit.reach.mapping.router import WAN, Router, now

pytestmark = pytest.mark.filterwarnings("ignore::async_solipsism.ResolutionWarning")


async def test_the_first_method_maps_and_no_other(home: Home) -> None:
    began_s = now()
    view = await home.mapped()
    assert now() - began_s < 0.05
    assert home.router.mapped_by == ["pcp"]
    (mapping,) = view.mappings
    assert mapping[:4] == ("pcp", GATEWAY.address, "eth0", False)
    assert (mapping.external_address, mapping.external_port) == (WAN, PORT)
    assert (mapping.internal_address, mapping.internal_port) == (GATEWAY.own_address, PORT)
    assert mapping.lifetime_s == 7200
    assert view.failures == ()
    await asyncio.sleep(20)
    assert home.router.mapped_by == ["pcp"]
    assert home.views[-1] == view
    assert len(home.views) == 2  # not settled, then mapped


@pytest.mark.parametrize(
    ("speaks", "by", "within_s"),
    [
        ({"nat-pmp": 0.003}, "nat-pmp", 0.1),
        ({"upnp": 0.08}, "upnp", 0.3),
        ({"pcp": 0.04, "upnp": 0.001}, "pcp", 0.1),  # a better one within the grace
        ({"pcp": 0.3, "nat-pmp": 0.003}, "nat-pmp", 0.1),  # too late
    ],
)
async def test_who_answers_soon_enough_maps(
    home: Home, speaks: dict[str, float], by: str, within_s: float
) -> None:
    home.router.speaks = speaks
    began_s = now()
    view = await home.mapped()
    assert now() - began_s < within_s
    assert [one.method for one in view.mappings] == [by]
    assert home.router.mapped_by == [by]


async def test_the_order_of_the_settings_counts(home: Home) -> None:
    view = await home.mapped(("upnp", "nat-pmp"))
    assert view.mappings[0].method == "nat-pmp"  # upnp takes longer than the grace
    home.router.speaks["upnp"] = 0.03
    await home.stop()
    assert (await home.mapped(("upnp", "nat-pmp"))).mappings[0].method == "upnp"
    assert "pcp" not in {method for _, method, _ in home.router.asked}


async def test_a_method_that_refuses_leaves_it_to_the_next(home: Home) -> None:
    home.router.refusal["pcp"] = MappingFailed("refused", "NOT_AUTHORIZED")
    view = await home.mapped()
    assert view.mappings[0].method == "nat-pmp"
    assert view.failures == ()


async def test_all_failures_are_told(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    home.router.speaks = {"pcp": 0.002}
    home.router.refusal["pcp"] = MappingFailed("private-wan", "its WAN is private", "10.0.0.7")
    view = await home.mapped()
    assert view.mappings == ()
    assert [(one.method, one.reason, one.external_address) for one in view.failures] == [
        ("pcp", "private-wan", "10.0.0.7"),
        ("nat-pmp", "no-answer", None),
        ("upnp", "no-answer", None),
    ]
    assert view.gateways == (GATEWAY,)
    assert home.views[-1] == view
    assert len([one for one in caplog.messages if "maps no port" in one]) == 1


async def test_a_taken_port_gives_way_to_spare_ones(home: Home) -> None:
    home.router.speaks = {"upnp": 0.08}
    home.router.taken = {PORT}
    port = (await home.mapped()).mappings[0].external_port
    assert port >= FIRST_SPARE
    await home.stop()
    assert (await home.mapped()).mappings[0].external_port == port
    assert home.router.mapped_by == ["upnp", "upnp"]


async def test_spare_ports_come_to_an_end(home: Home) -> None:
    home.router.speaks = {"upnp": 0.08}
    home.router.taken = set(range(1, 65536))
    view = await home.mapped()
    assert view.mappings == ()
    assert view.failures[-1].reason == "conflict"
    assert home.router.count("map") == 4


async def test_another_port_than_asked_for_is_taken_as_granted(home: Home) -> None:
    home.router.taken = {PORT}
    assert (await home.mapped()).mappings[0].external_port == PORT + 1
    await asyncio.sleep(3600 * 5)
    assert set(home.router.live()) == {PORT + 1}
    assert len(home.views) == 2


@pytest.mark.parametrize(
    ("wanted", "port"),
    [
        (Wanted(PORT, 5000, 7200, "edgenode"), 5000),
        (Wanted(PORT, 443, 7200, "edgenode"), 443),  # its owner wants it so
        (Wanted(443, 0, 7200, "edgenode"), None),  # no system port unbidden
    ],
)
async def test_which_port_is_asked_for(home: Home, wanted: Wanted, port: int | None) -> None:
    mapping = (await home.mapped(wanted=wanted)).mappings[0]
    assert mapping.internal_port == wanted.internal_port
    if port is None:
        assert mapping.external_port >= FIRST_SPARE
    else:
        assert mapping.external_port == port


async def test_switched_off_it_asks_nobody(home: Home) -> None:
    view = await home.mapped(())
    assert view[:2] == (False, True)
    assert view.gateways == (GATEWAY,)
    home.mapper.on_link_lost()
    home.mapper.hint(GATEWAY.address)
    await asyncio.sleep(7200)
    await home.stop()
    assert home.router.asked == []
    assert home.store.text is None


@pytest.mark.parametrize(
    ("bound_to", "asked"),
    [
        ("127.0.0.1", 0),
        ("::1", 0),
        ("::", 1),
        ("192.168.1.20", 1),
        ("192.168.1.21", 0),
        ("0.0.0.0", 1),
        ("", 2),
    ],
)
async def test_only_what_the_port_listens_on_is_mapped(
    home: Home, bound_to: str, asked: int
) -> None:
    home.gateways = (GATEWAY, Gateway("fe80::1", "eth0", "2a00::20", ipv6=True))
    await home.start(bound_to=bound_to)
    assert len((await home.settled()).mappings) == asked
    assert bool(home.router.asked) == bool(asked)


async def test_two_gateways_and_each_ipv6_address_are_mapped(home: Home) -> None:
    other = Gateway("192.168.8.1", "wwan0", "192.168.8.5", ipv6=False)
    pinholes = [Gateway("fe80::1", "eth0", f"2a00::{n}", ipv6=True) for n in (1, 2)]
    second = Router("81.2.69.143")
    home.others = {other: second}
    home.gateways = (GATEWAY, other, *pinholes)
    view = await home.mapped(("pcp",))
    assert {(one.gateway, one.external_address) for one in view.mappings} == {
        (GATEWAY.address, WAN),
        ("192.168.8.1", "81.2.69.143"),
        ("fe80::1", "2a00::1"),
        ("fe80::1", "2a00::2"),
    }
    assert all(one.external_port == PORT for one in view.mappings)
    assert view.own_addresses == (GATEWAY.own_address, "192.168.8.5")
    assert view.own_ipv6 == ("2a00::1", "2a00::2")


async def test_nat_pmp_is_not_asked_over_ipv6(home: Home) -> None:
    home.gateways = (Gateway("fe80::1", "eth0", "2a00::1", ipv6=True),)
    assert (await home.mapped()).mappings[0].ipv6
    assert "nat-pmp" not in {method for _, method, _ in home.router.asked}


async def test_without_a_gateway_nobody_is_asked(home: Home) -> None:
    home.gateways = ()
    view = await home.mapped()
    assert view.settled
    assert view.gateways == ()
    await asyncio.sleep(3600)
    home.gateways = (GATEWAY,)
    home.mapper.look(broke=False)
    await asyncio.sleep(0.1)
    assert home.mapper.view.mappings


async def test_a_gateway_that_maps_nothing_is_asked_ever_more_seldom(home: Home) -> None:
    home.router.speaks = {}
    await home.mapped()
    await asyncio.sleep(3600)
    home.router.asked.clear()
    await asyncio.sleep(24 * 3600)
    assert 3 * 12 < home.router.count("probe") < 3 * 24 * 4
    assert len(home.views) == 2
    home.router.speaks = {"pcp": 0.002}
    home.mapper.hint(GATEWAY.address)
    await asyncio.sleep(0.1)
    assert home.mapper.view.mappings


async def test_every_method_is_closed(home: Home) -> None:
    await home.mapped(ALL)
    await home.stop()
    assert home.methods
    assert all(method.closed for method in home.methods)
