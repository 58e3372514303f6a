"""How routers are found, by those who met it; each against a fake that does the same."""

import asyncio
import socket
import time

import pytest

from edgenode.reach import upnp
from edgenode.reach.method import MappingFailed, Wish
from edgenode.reach.upnp import UpnpMethod
from tests.unit.reach.fake_igd import (
    FIREWALL1,
    IGD1,
    IGD2,
    IP1,
    PPP1,
    WAN,
    FakeIgd,
    description,
)

WISH = Wish(4242, 14242, None, 7200, b"n" * 12, "edgenode <&>")


async def failure_of(method: UpnpMethod, wish: Wish = WISH) -> MappingFailed:
    with pytest.raises(MappingFailed) as caught:
        await method.map(wish, None)
    return caught.value


def leases(fake: FakeIgd) -> list[str]:
    return [
        call.arguments["NewLeaseDuration"] for call in fake.calls if call.action == "AddPortMapping"
    ]


async def test_eero_answers_multicast_alone(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.answers_unicast = False
    assert (await method.probe()).external_address == WAN
    assert {search.multicast for search in fake.searches} == {True, False}


async def test_others_answer_unicast_alone(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.answers_multicast = False
    assert (await method.probe()).external_address == WAN


async def test_sagemcom_answers_to_its_name_alone(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.answers_targets = (IGD2,)
    assert (await method.probe()).external_address == WAN
    assert {search.target for search in fake.searches} == {IGD1, IGD2}


async def test_a_gateway_without_a_root_device_is_found_by_its_service(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    fake.answers_targets = (PPP1,)
    fake.services = [(PPP1, "/ctl")]
    assert (await method.probe()).external_address == WAN


async def test_tp_link_replies_from_another_port_and_knows_no_tcp_in_small_letters(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    fake.answer_source = fake.socket_at(fake.address)
    fake.handlers["AddPortMapping"] = lambda call: (
        fake.behave(call) if call.arguments["NewProtocol"] == "TCP" else 402
    )
    assert (await method.map(WISH, None)).external_port == 14242


async def test_carp_replies_from_its_own_address_and_is_called_at_the_gateways(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    fake.answer_source = fake.socket_at(fake.other)
    fake.locations = [f"http://{fake.other}:{fake.http_port}/desc.xml"]
    fake.services = [(IP1, f"http://{fake.other}:{fake.http_port}/ctl")]
    with socket.create_server((fake.other, fake.http_port)) as elsewhere:
        elsewhere.setblocking(False)
        assert (await method.map(WISH, None)).external_port == 14242
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


async def test_the_gateways_answer_goes_before_a_strangers(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    stranger = fake.socket_at(fake.other)
    fake.answer_delay_s = 0.05
    probe = asyncio.ensure_future(method.probe())
    await fake.searched.wait()
    location = f"http://{fake.other}:{fake.http_port}/stranger.xml"
    stranger.sendto(fake.answer(IGD1, location), fake.searches[0].sender)
    await probe
    assert "/stranger.xml" not in fake.paths


async def test_huawei_has_the_dsl_forums_names(fake: FakeIgd, method: UpnpMethod) -> None:
    own = "urn:dslforum-org:service:WANPPPConnection:1"
    fake.answers_targets = ("urn:dslforum-org:device:InternetGatewayDevice:1",)
    fake.services = [(own, "/ctl")]
    assert (await method.map(WISH, None)).external_port == 14242
    assert {call.service_type for call in fake.calls} == {own}


async def test_a_reply_that_comes_after_the_searches_is_heard(fake: FakeIgd) -> None:
    assert upnp.SEARCH_S > 7  # so late was the latest that was reported
    fake.answer_delay_s = 0.3  # the rounds last 0.15 s here
    assert (await UpnpMethod(fake.gateway, search_s=5.0).probe()).external_address == WAN


async def test_a_useless_answer_is_not_waited_on(fake: FakeIgd) -> None:
    fake.services = [(FIREWALL1, "/ctl")]
    begun = time.monotonic()
    assert (await failure_of(UpnpMethod(fake.gateway, search_s=5.0))).reason == "unsupported"
    assert time.monotonic() - begun < 2.0


async def test_a_second_answer_that_is_of_use_is_taken(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.document = description((FIREWALL1, "/ctl"))
    fake.answers_targets = (IGD1,)
    probe = asyncio.ensure_future(method.probe())
    await fake.fetched.wait()
    fake.document = None
    location = f"http://{fake.address}:{fake.http_port}/other.xml"
    fake.socket_at(fake.address).sendto(fake.answer(IGD1, location), fake.searches[0].sender)
    assert (await probe).external_address == WAN


async def test_fritzbox_is_searched_by_one_family_at_a_time(fake: FakeIgd, fake6: FakeIgd) -> None:
    turn = asyncio.Lock()
    fake.answer_delay_s = 0.03
    await asyncio.gather(
        *(UpnpMethod(each.gateway, turn=turn, search_s=2.0).probe() for each in (fake, fake6))
    )
    assert fake.first_answer_at < fake6.searches[0].at


async def test_dead_urls_stall_nothing(fake: FakeIgd, method: UpnpMethod) -> None:
    silent = [socket.create_server((fake.address, 0)) for _ in range(5)]  # they accept, and no more
    dead = [f"http://{fake.address}:{each.getsockname()[1]}/desc.xml" for each in silent]
    fake.locations = [*dead, fake.location]
    begun = time.monotonic()
    assert (await method.probe()).external_address == WAN
    assert time.monotonic() - begun < 1.0
    for each in silent:
        each.close()


async def test_another_http_port_after_a_reboot(fake: FakeIgd, method: UpnpMethod) -> None:
    grant = await method.map(WISH, None)
    fake.table.clear()
    await fake.start_http()
    assert await method.map(WISH, grant) == grant
    assert fake.table
    await fake.start_http()
    await method.unmap(WISH, grant)
    assert not fake.table


@pytest.mark.parametrize("same_port", [True, False])
async def test_a_gateway_that_serves_its_description_only_later(
    fake: FakeIgd, same_port: bool
) -> None:
    """It has just started: until then connections to the port that it tells are refused."""
    port = fake.http_port if same_port else 0
    await fake.stop_http()
    probe = asyncio.ensure_future(UpnpMethod(fake.gateway, search_s=5.0).probe())
    await fake.searched.wait()
    await asyncio.sleep(0.3)  # its first answer has led nowhere
    assert not probe.done()
    await fake.start_http(port)
    assert (await probe).external_address == WAN


async def test_a_description_that_is_never_served_is_the_reason(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    await fake.stop_http()
    failure = await failure_of(method)
    assert failure.reason == "no-answer"
    assert "description" in failure.detail


async def test_of_several_connections_the_one_with_an_address_is_taken(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    fake.services = [(IP1, "/down"), (PPP1, "/up")]
    fake.handlers["GetExternalIPAddress"] = lambda call: {
        "NewExternalIPAddress": WAN if call.service_type == PPP1 else "0.0.0.0"
    }
    await method.map(WISH, None)
    assert {c.service_type for c in fake.calls if c.action == "AddPortMapping"} == {PPP1}


async def test_a_gateway_without_a_service_for_the_family(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    fake.services = [(FIREWALL1, "/ctl")]
    assert (await failure_of(method)).reason == "unsupported"


async def test_nobody_answers(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.answers_targets = ()
    with pytest.raises(MappingFailed) as caught:
        await method.probe()
    assert caught.value.reason == "no-answer"
