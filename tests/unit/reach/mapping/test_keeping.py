"""Keeping a mapping: renewals, verifications, reboots, hints, and how quiet it is about it."""

import asyncio
import itertools

import pytest

from edgenode.reach.method import Gateway, MappingFailed
from edgenode.reach.wanted import Wanted
from tests.unit.reach.mapping.home import GATEWAY, PORT, Home
from tests.unit.reach.mapping.router import now

pytestmark = pytest.mark.filterwarnings("ignore::async_solipsism.ResolutionWarning")

HOUR = 3600.0
PINHOLE = Gateway("fe80::1", "eth0", "2a00::20", ipv6=True)


def busiest_hour(home: Home) -> int:
    times = [at for at, _, _ in home.router.asked]
    return max(sum(1 for at in times if begin <= at <= begin + HOUR) for begin in times)


def renewals(home: Home) -> list[float]:
    return [at for at, _, what in home.router.asked if what == "renew"]


@pytest.mark.parametrize("method", ["pcp", "upnp"])
@pytest.mark.parametrize("gateways", [(GATEWAY,), (PINHOLE,), (GATEWAY, PINHOLE)])
async def test_six_questions_an_hour_keep_it(
    home: Home, gateways: tuple[Gateway, ...], method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    home.gateways = gateways
    await home.mapped((method,))
    home.router.asked.clear()
    for _ in range(48):
        await asyncio.sleep(HOUR / 2)
        assert len(home.mapper.view.mappings) == len(gateways)
        assert len(home.router.live()) + len(home.router.pinholes) == len(gateways)
    assert busiest_hour(home) <= 6
    assert home.router.count("renew") >= 24 / 2 * len(gateways) * 0.7
    assert len(home.views) <= 1 + len(gateways)
    assert len([one for one in caplog.messages if "gateway" in one]) == len(gateways)
    assert home.store.writes <= 1 + len(gateways)


async def test_a_gateway_that_notifies_is_not_searched(home: Home) -> None:
    home.gateways = (GATEWAY, PINHOLE)
    await home.mapped(("upnp",))
    home.router.asked.clear()
    for _ in range(24 * 6):
        await asyncio.sleep(500)
        home.mapper.unchanged(GATEWAY.address)
    assert home.router.count("verify") == 0
    assert home.router.count("renew") <= 2 * 20
    assert len(home.router.live()) == len(home.router.pinholes) == 1


async def test_what_is_told_by_ssdp_verifies_nothing_else(home: Home) -> None:
    home.gateways = (GATEWAY, PINHOLE)
    await home.mapped(("pcp",))
    await asyncio.sleep(2000)
    home.router.reboot()
    for _ in range(7):
        home.mapper.unchanged(GATEWAY.address)
        await asyncio.sleep(100)
    assert home.router.live()


async def test_one_that_shows_no_boots_is_not_asked_between_renewals(home: Home) -> None:
    home.router.shows_boot = False
    await home.mapped(("upnp",))
    home.router.asked.clear()
    await asyncio.sleep(24 * HOUR)
    assert {what for _, _, what in home.router.asked} == {"renew"}
    assert len(home.router.asked) <= 24


async def test_it_renews_from_half_life_on_and_not_always_at_the_same_time(home: Home) -> None:
    home.router.lifetime = lambda _asked_s: 600
    began_s = now()
    await home.mapped(("pcp",))
    await asyncio.sleep(HOUR)
    times = [began_s, *renewals(home)]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert all(299 < gap < 376 for gap in gaps)
    assert max(gaps) - min(gaps) > 5


@pytest.mark.parametrize("method", ["pcp", "nat-pmp", "upnp"])
async def test_a_lease_of_a_minute_is_followed(home: Home, method: str) -> None:
    home.router.lifetime = lambda _asked_s: 60
    await home.mapped((method,))
    for _ in range(100):
        await asyncio.sleep(17)
        assert set(home.router.live()) == {PORT}
    assert home.mapper.view.mappings[0].lifetime_s == 60
    assert len(home.views) == 2


async def test_a_lease_of_a_second_does_not_make_a_flood(home: Home) -> None:
    home.router.lifetime = lambda _asked_s: 1
    await home.mapped(("pcp",))
    await asyncio.sleep(HOUR)
    assert home.router.count() <= HOUR / 15 + 2


@pytest.mark.parametrize("lifetime_s", [0, 604_800])
async def test_permanent_and_long_ones_by_upnp_are_made_anew_each_hour(
    home: Home, lifetime_s: int
) -> None:
    home.router.lifetime = lambda _asked_s: lifetime_s
    home.router.shows_boot = False  # else it is noticed earlier
    assert (await home.mapped(("upnp",))).mappings[0].lifetime_s == lifetime_s
    home.router.reboot()
    await asyncio.sleep(1.25 * HOUR + 1)
    assert set(home.router.live()) == {PORT}
    assert len(renewals(home)) == 1


async def test_ttl_0_asks_for_the_longest(home: Home) -> None:
    view = await home.mapped(wanted=Wanted(PORT, 0, 0, "edgenode"))
    assert view.mappings[0].lifetime_s == 604_800


@pytest.mark.parametrize("method", ["pcp", "nat-pmp", "upnp"])
async def test_a_reboot_is_noticed_within_ten_minutes(home: Home, method: str) -> None:
    home.gateways = (GATEWAY,) if method == "nat-pmp" else (GATEWAY, PINHOLE)
    await home.mapped((method,))
    # By the epoch's rules two reboots within a minute look like one, for the family that did not
    # ask itself.
    first_s = 17 if len(home.gateways) == 1 else 1000
    for wait_s in (first_s, 700, 4000, 20_000):
        await asyncio.sleep(wait_s)
        home.router.reboot()
        await asyncio.sleep(601)
        assert set(home.router.live()) == {PORT}
        assert len(home.router.pinholes) == len(home.gateways) - 1
    assert len(home.views) <= 3


@pytest.mark.parametrize("method", ["pcp", "nat-pmp", "upnp"])
async def test_a_reboot_is_not_forgotten_while_its_gateway_cannot_map_yet(
    home: Home, method: str
) -> None:
    await home.mapped((method,))
    await asyncio.sleep(2000)
    home.router.reboot()
    home.router.refusal[method] = MappingFailed("network-down", "its WAN is coming up")
    await asyncio.sleep(601)
    assert not home.router.live()
    home.router.refusal.clear()
    await asyncio.sleep(31)
    assert set(home.router.live()) == {PORT}


@pytest.mark.parametrize("method", ["pcp", "nat-pmp", "upnp"])
async def test_a_hint_makes_it_at_once(home: Home, method: str) -> None:
    await home.mapped((method,))
    await asyncio.sleep(100)
    for _ in range(3):
        home.router.reboot()
        home.mapper.hint("192.168.1.99")
        await asyncio.sleep(1)
        assert not home.router.live()
        home.mapper.hint(GATEWAY.address)
        await asyncio.sleep(1)
        assert set(home.router.live()) == {PORT}


async def test_the_other_family_is_mapped_again_with_it(home: Home) -> None:
    home.gateways = (GATEWAY, PINHOLE)
    await home.mapped(("pcp",))
    await asyncio.sleep(100)
    home.router.reboot()
    home.mapper.hint(GATEWAY.address)
    await asyncio.sleep(0.1)
    assert home.router.live()
    assert home.router.pinholes


@pytest.mark.parametrize("method", ["pcp", "nat-pmp", "upnp"])
async def test_a_lost_link_has_it_verified_within_30_s(home: Home, method: str) -> None:
    await home.mapped((method,))
    for _ in range(10):
        home.router.reboot()
        for _ in range(5):
            home.mapper.on_link_lost()
        await asyncio.sleep(30)
        assert set(home.router.live()) == {PORT}


async def test_hints_without_end_cost_two_verifications_a_minute(home: Home) -> None:
    await home.mapped(("pcp",))
    home.router.asked.clear()
    for _ in range(3600):
        home.mapper.hint(GATEWAY.address)
        home.mapper.on_link_lost()
        await asyncio.sleep(1)
    assert 100 < home.router.count() < 130


async def test_a_new_external_address_is_told(home: Home) -> None:
    for method in ("nat-pmp", "pcp", "upnp"):
        await home.mapped((method,))
        home.router.wan = "81.2.69.200"
        home.mapper.hint(GATEWAY.address)
        await asyncio.sleep(1)
        assert home.views[-1].mappings[0].external_address == "81.2.69.200"
        home.router.wan = "81.2.69.142"
        await home.stop()


async def test_nat_pmp_sees_a_new_external_address_by_itself(home: Home) -> None:
    await home.mapped(("nat-pmp",))
    await asyncio.sleep(1300)  # its epoch is not so young any more that it is asked to renew
    home.router.wan = "81.2.69.200"
    await asyncio.sleep(601)
    assert home.views[-1].mappings[0].external_address == "81.2.69.200"


async def test_a_network_change_has_it_verified(home: Home) -> None:
    await home.mapped(("pcp",))
    home.router.reboot()
    home.mapper.look(broke=False)  # nothing has changed
    await asyncio.sleep(1)
    assert not home.router.live()
    home.mapper.look(broke=True)
    await asyncio.sleep(1)
    assert home.router.live()
    assert len(home.views) == 2


async def test_a_gateway_more_has_the_others_verified(home: Home) -> None:
    await home.mapped(("pcp",))
    home.router.reboot()
    home.gateways = (GATEWAY, PINHOLE)
    home.mapper.look(broke=False)
    await asyncio.sleep(1)
    assert home.router.live()
    assert home.router.pinholes


async def test_a_new_own_address_is_mapped(home: Home) -> None:
    await home.mapped(("pcp",))
    home.gateways = (GATEWAY._replace(own_address="192.168.1.77"),)
    home.router.reboot()
    home.mapper.look(broke=True)
    assert not home.mapper.view.settled
    await asyncio.sleep(0.1)
    assert home.views[-1].mappings[0].internal_address == "192.168.1.77"
    home.gateways = ()
    home.mapper.look(broke=True)
    assert home.views[-1].mappings == ()
    home.router.asked.clear()
    await asyncio.sleep(2 * HOUR)
    assert not home.router.asked


async def test_a_gateway_that_is_away_for_a_while_costs_nothing_else(home: Home) -> None:
    await home.mapped(("pcp",))
    home.router.alive = False
    home.mapper.on_link_lost()
    await asyncio.sleep(300)
    assert home.mapper.view.mappings
    home.router.reboot()
    home.router.alive = True
    await asyncio.sleep(31)
    assert home.router.live()
    assert len(home.views) == 2


async def test_a_link_that_dies_makes_it_ask_often_again(home: Home) -> None:
    await home.mapped(("pcp",))
    home.router.alive = False
    home.mapper.on_link_lost()
    await asyncio.sleep(2000)
    home.mapper.on_link_lost()
    await asyncio.sleep(60)
    home.router.reboot()
    home.router.alive = True
    await asyncio.sleep(31)
    assert home.router.live()


async def test_when_the_lease_is_over_it_is_given_up(home: Home) -> None:
    await home.mapped(("pcp", "nat-pmp"))
    home.router.alive = False
    await asyncio.sleep(7300)
    assert home.mapper.view.mappings == ()
    assert {one.reason for one in home.mapper.view.failures} == {"no-answer"}
    home.router.asked.clear()
    await asyncio.sleep(HOUR * 10)
    assert home.router.count() < 2 * 10 * 4
    assert len(home.views) == 3
    home.router.alive = True
    home.mapper.look(broke=True)
    await asyncio.sleep(1)
    assert home.mapper.view.mappings


async def test_another_method_takes_over_where_its_own_is_gone(home: Home) -> None:
    await home.mapped()
    home.router.speaks.pop("pcp")
    await asyncio.sleep(7300)
    assert home.mapper.view.mappings[0].method == "nat-pmp"


async def test_a_port_that_was_lost_to_another_is_replaced(home: Home) -> None:
    home.router.speaks = {"upnp": 0.08}
    await home.mapped()
    home.router.reboot()
    home.router.taken = {PORT}
    home.mapper.hint(GATEWAY.address)
    await asyncio.sleep(1)
    assert home.views[-1].mappings[0].external_port != PORT


async def test_a_refusal_ends_it(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await home.mapped(("pcp",))
    home.router.refusal["pcp"] = MappingFailed("refused", "NOT_AUTHORIZED")
    await asyncio.sleep(6000)
    assert home.mapper.view.mappings == ()
    assert home.mapper.view.failures[0].reason == "refused"
    assert len([one for one in caplog.messages if "any more" in one]) == 1


async def test_a_passing_failure_does_not(home: Home) -> None:
    await home.mapped(("pcp",))
    home.router.refusal["pcp"] = MappingFailed("network-down", "NETWORK_FAILURE")
    await asyncio.sleep(5000)
    assert home.mapper.view.mappings
    home.router.refusal.clear()
    await asyncio.sleep(HOUR)
    assert home.router.live()
    assert len(home.views) == 2
