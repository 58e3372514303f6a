"""What is left behind, and what is found again: SIGTERM, kill -9, restarts."""

import asyncio

import pytest

from edgenode.core.errors import StoreFailed
from edgenode.reach.method import Grant
from edgenode.reach.portstate import MAX_KEPT, Kept, PortState, decode, encode
from edgenode.reach.wanted import Wanted
from tests.unit.reach.mapping.home import ALL, GATEWAY, PORT, Home
from tests.unit.reach.mapping.router import WAN, now

pytestmark = pytest.mark.filterwarnings("ignore::async_solipsism.ResolutionWarning")


@pytest.mark.parametrize("method", ALL)
async def test_stopping_deletes_the_mapping_in_time(home: Home, method: str) -> None:
    await home.mapped((method,))
    began_s = now()
    await home.stop()
    assert home.router.live() == {}
    assert now() - began_s < 0.5


async def test_a_dead_gateway_does_not_hold_up_the_end(home: Home) -> None:
    await home.mapped()
    home.router.alive = False
    began_s = now()
    await home.stop()
    assert now() - began_s <= 0.5


@pytest.mark.parametrize("method", ALL)
async def test_a_mapping_that_is_just_being_made_is_deleted(home: Home, method: str) -> None:
    home.router.speaks = {method: 0.2}
    await home.start((method,))
    await asyncio.sleep(0.3)
    assert home.router.mapping  # it is being asked
    await home.stop()
    assert home.router.mapped_by
    assert home.router.live() == {}


@pytest.mark.parametrize("method", ALL)
async def test_a_hundred_restarts_keep_the_port_and_leave_one_mapping(
    home: Home, method: str
) -> None:
    home.router.taken = {PORT}
    ports, nonces = set(), set()
    for number in range(100):
        (mapping,) = (await home.mapped((method,))).mappings
        ports.add(mapping.external_port)
        nonces |= {entry.nonce for entry in home.router.live().values()}
        await (home.kill() if number % 2 else home.stop())
    await home.mapped((method,))
    assert len(ports) == 1
    assert len(nonces) == 1
    assert set(home.router.live()) == ports
    assert home.store.writes <= 2


async def test_the_nonce_is_durable_before_it_is_used(home: Home) -> None:
    home.store.save_s = 5.0
    await home.start(("pcp",))
    await asyncio.sleep(4.9)
    assert home.router.count("probe")
    assert not home.router.count("map")
    await home.settled()
    assert home.store.text is not None
    nonce = decode(home.store.text).nonce
    assert {entry.nonce for entry in home.router.live().values()} == {nonce}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("upnp",), ("pcp",)),
        (("pcp",), ("upnp",)),
        (("nat-pmp",), ("pcp",)),
        (("pcp",), ("nat-pmp",)),
    ],
)
async def test_after_a_kill_another_method_deletes_what_was_left(
    home: Home, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    await home.mapped(before)
    await home.kill()
    assert len(home.router.live()) == 1
    await home.mapped(after)
    await asyncio.sleep(1)
    (entry,) = home.router.live().values()
    assert entry.method == after[0]
    assert set(home.router.live()) == {PORT}


async def test_a_late_deletion_does_not_take_the_new_mapping_with_it(home: Home) -> None:
    await home.mapped(("upnp",))
    await home.kill()
    home.router.speaks["upnp"] = 0.35
    await home.mapped(("pcp",))
    await asyncio.sleep(1)
    (entry,) = home.router.live().values()
    assert entry.method == "pcp"


async def test_what_is_left_of_another_internal_port_is_deleted(home: Home) -> None:
    await home.mapped(("upnp",))
    await home.kill()
    await home.mapped(("upnp",), Wanted(5000, 0, 7200, "edgenode"))
    await asyncio.sleep(1)
    assert [entry.internal_port for entry in home.router.live().values()] == [5000]


async def test_a_new_external_port_in_the_settings_is_heeded(home: Home) -> None:
    await home.mapped(("upnp",))
    await home.kill()
    await home.mapped(("upnp",), Wanted(PORT, 5000, 7200, "edgenode"))
    await asyncio.sleep(1)
    assert set(home.router.live()) == {5000}


async def test_each_gateway_has_its_own_port(home: Home) -> None:
    home.router.taken = {PORT}
    first = (await home.mapped()).mappings[0].external_port
    await home.stop()
    home.router.taken = set()
    home.gateways = (GATEWAY._replace(address="10.0.0.1", own_address="10.0.0.9"),)
    assert (await home.mapped()).mappings[0].external_port == PORT
    await home.stop()
    home.gateways = (GATEWAY,)
    assert (await home.mapped()).mappings[0].external_port == first


@pytest.mark.parametrize("text", ["", "{}", '{"nonce": "00", "mappings": []}', "[1]"])
async def test_what_is_damaged_is_begun_anew(home: Home, text: str) -> None:
    home.store.text = text
    assert (await home.mapped()).mappings
    await home.stop()
    assert home.store.text is not None
    assert decode(home.store.text).mappings


async def test_a_disk_that_fails_does_not_keep_it_from_mapping(home: Home) -> None:
    home.store.error = StoreFailed("read-only")
    assert (await home.mapped()).mappings


def test_the_state_is_bounded_and_comes_back_as_it_was() -> None:
    state = PortState(bytes(range(12)), ())
    for number in range(2 * MAX_KEPT):
        grant = Grant(WAN if number % 2 else None, 4000 + number, 7200, None, "7")
        address = f"10.0.{number}.1"
        state = state.with_mapping(Kept(address, False, "10.0.0.2", "pcp", "TCP", 4242, grant))
    assert len(state.mappings) == MAX_KEPT
    assert decode(encode(state)) == state
    assert state.mappings[-1].gateway == f"10.0.{2 * MAX_KEPT - 1}.1"
