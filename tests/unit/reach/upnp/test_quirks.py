"""What routers do, by those who met it; each against a fake that does the same."""

import pytest

from edgenode.reach import upnp
from edgenode.reach.method import Grant, MappingFailed, Wish
from edgenode.reach.upnp import UpnpMethod
from tests.unit.reach.fake_igd import (
    IP1,
    IP2,
    PPP1,
    SOAP12,
    WAN,
    Call,
    FakeIgd,
    Values,
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


async def test_a_mapping_is_made_renewed_and_deleted(fake: FakeIgd, method: UpnpMethod) -> None:
    offer = await method.probe()
    assert (offer.external_address, offer.epoch_s) == (WAN, None)
    grant = await method.map(WISH, None)
    assert grant == Grant(WAN, 14242, 7200, None)
    assert fake.table[("14242", "TCP")] == {
        "NewRemoteHost": "",
        "NewExternalPort": "14242",
        "NewProtocol": "TCP",
        "NewInternalPort": "4242",
        "NewInternalClient": fake.client,
        "NewEnabled": "1",
        "NewPortMappingDescription": "edgenode <&>",
        "NewLeaseDuration": "7200",
    }
    fake.calls.clear()
    assert await method.map(WISH, grant) == grant
    assert fake.actions() == ["AddPortMapping"]  # quiet
    await method.unmap(WISH, grant)
    assert not fake.table
    await method.unmap(WISH, grant)  # gone already


async def test_arris_has_402_for_a_timed_lease(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.handlers["AddPortMapping"] = lambda call: (
        fake.behave(call) if call.arguments["NewLeaseDuration"] == "0" else 402
    )
    grant = await method.map(WISH, None)
    assert grant.lifetime_s == 0
    assert leases(fake) == ["7200", "0"]
    await method.map(WISH, grant)
    assert leases(fake) == ["7200", "0", "0"]  # it is not asked for the other again


@pytest.mark.parametrize("seconds", [1, 7200, 2**32 - 1])
async def test_mikrotik_and_netgear_have_725(
    fake: FakeIgd, method: UpnpMethod, seconds: int
) -> None:
    fake.handlers["AddPortMapping"] = lambda call: (
        fake.behave(call) if call.arguments["NewLeaseDuration"] == "0" else 725
    )
    assert (await method.map(WISH._replace(lifetime_s=seconds), None)).lifetime_s == 0
    assert leases(fake) == [str(seconds), "0"]


async def test_an_endless_lease_has_402(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.handlers["AddPortMapping"] = lambda call: (
        402 if call.arguments["NewLeaseDuration"] == "0" else fake.behave(call)
    )
    assert (await method.map(WISH._replace(lifetime_s=0), None)).lifetime_s == 7200
    assert leases(fake) == ["0", "7200"]


@pytest.mark.parametrize("code", [402, 603, 728])
async def test_a_full_table(fake: FakeIgd, method: UpnpMethod, code: int) -> None:
    fake.handlers["AddPortMapping"] = lambda _: code
    assert (await failure_of(method)).reason == "no-room"
    assert len(leases(fake)) <= 3


@pytest.mark.parametrize(
    "text", ["", "0.0.0.0", "garbage", "1.2.3", "127.0.0.1", "01.2.3.4", "1.2.3.4.5", "x" * 300]
)
async def test_asus_tells_an_address_that_is_none_and_is_asked_again(
    fake: FakeIgd, method: UpnpMethod, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upnp, "ASK_AGAIN_S", 0.0)
    fake.wan = text
    assert (await method.map(WISH, None)).external_address is None
    assert fake.actions().count("GetExternalIPAddress") == 2


async def test_the_address_that_comes_late_is_told(
    fake: FakeIgd, method: UpnpMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upnp, "ASK_AGAIN_S", 0.0)
    told = iter(["0.0.0.0", WAN])
    fake.handlers["GetExternalIPAddress"] = lambda _: {"NewExternalIPAddress": next(told)}
    assert (await method.map(WISH, None)).external_address == WAN


async def test_mikrotik_and_draytek_begin_with_white_space(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    fake.lead = "\r\n \t"
    fake.document = description((IP1, "/ctl"), head="\n\n  ")
    assert (await method.map(WISH, None)).external_address == WAN


async def test_newlines_and_soap_1_2(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.spaced = True
    fake.envelope = SOAP12
    assert await method.map(WISH, None) == Grant(WAN, 14242, 7200, None)
    fake.handlers["AddPortMapping"] = lambda _: 718
    assert (await failure_of(method)).reason == "conflict"


async def test_xb3_says_yes_and_maps_nothing(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.handlers["AddPortMapping"] = lambda _: {}
    assert (await failure_of(method)).reason == "failed"


@pytest.mark.parametrize(("told", "held"), [("60", 60), ("86400", 7200), ("0", 7200)])
async def test_xb3_and_protonvpn_give_another_lease(
    fake: FakeIgd, method: UpnpMethod, told: str, held: int
) -> None:
    def entry(call: Call) -> Values | int:
        values = fake.behave(call)
        assert isinstance(values, dict)
        return {**values, "NewLeaseDuration": told}

    fake.handlers["GetSpecificPortMappingEntry"] = entry
    assert (await method.map(WISH, None)).lifetime_s == held


@pytest.mark.parametrize("code", [401, 501, 602, 606])
async def test_a_gateway_that_does_not_tell_is_believed(
    fake: FakeIgd, method: UpnpMethod, code: int
) -> None:
    fake.handlers["GetSpecificPortMappingEntry"] = lambda _: code
    assert (await method.map(WISH, None)).external_port == 14242


async def test_a_port_that_is_anothers_all_the_same(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.handlers["GetSpecificPortMappingEntry"] = lambda _: {
        "NewInternalPort": "4242",
        "NewInternalClient": fake.other,
        "NewEnabled": "1",
        "NewPortMappingDescription": "x",
        "NewLeaseDuration": "7200",
    }
    assert (await failure_of(method)).reason == "conflict"


async def test_only_the_clients_own_address_may_be_mapped(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    await method.map(WISH, None)  # the fake has 606 for any other source
    assert {call.client for call in fake.calls} == {fake.client}


async def test_conflict_with_igd_1_is_told(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.table[("14242", "TCP")] = {"NewInternalClient": fake.other}
    assert (await failure_of(method)).reason == "conflict"
    assert "AddAnyPortMapping" not in fake.actions()


async def test_igd_2_grants_another_port(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.services = [(IP2, "/ctl")]
    fake.table[("14242", "TCP")] = {"NewInternalClient": fake.other}
    grant = await method.map(WISH, None)
    assert grant == Grant(WAN, 14243, 7200, None)
    fake.calls.clear()
    assert await method.map(WISH, grant) == grant  # and it is that one that is renewed
    assert fake.actions() == ["AddPortMapping"]


@pytest.mark.parametrize("port", [0, 80, 1023])
async def test_a_port_of_the_system_is_never_asked_for(
    fake: FakeIgd, method: UpnpMethod, port: int
) -> None:
    assert (await failure_of(method, WISH._replace(external_port=port))).reason == "failed"
    assert not leases(fake)


@pytest.mark.parametrize(
    ("port", "reason"), [("0", "malformed"), ("80", "malformed"), ("x", "malformed")]
)
async def test_igd_2_grants_no_port_of_the_system(
    fake: FakeIgd, method: UpnpMethod, port: str, reason: str
) -> None:
    fake.services = [(IP2, "/ctl")]
    fake.handlers["AddPortMapping"] = lambda _: 718
    fake.handlers["AddAnyPortMapping"] = lambda _: {"NewReservedPort": port}
    assert (await failure_of(method)).reason == reason


async def test_igd_2_without_that_call_is_in_conflict(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.services = [(IP2, "/ctl")]
    fake.handlers["AddPortMapping"] = lambda _: 718
    fake.handlers["AddAnyPortMapping"] = lambda _: 401
    assert (await failure_of(method)).reason == "conflict"


async def test_a_gateway_that_wants_the_same_port_on_both_sides(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    fake.handlers["AddPortMapping"] = lambda call: (
        fake.behave(call)
        if call.arguments["NewExternalPort"] == call.arguments["NewInternalPort"]
        else 724
    )
    assert (await method.map(WISH, None)).external_port == 4242


@pytest.mark.parametrize("wan", ["", "192.168.1.7", "100.64.3.4"])
async def test_miniupnpd_with_a_private_wan_address(
    fake: FakeIgd, method: UpnpMethod, wan: str
) -> None:
    fake.wan = wan
    fake.services = [(PPP1, "/unused"), (IP1, "/ctl")]
    fake.handlers["GetExternalIPAddress"] = lambda call: {
        "NewExternalIPAddress": fake.wan if call.service_type == IP1 else ""
    }
    assert (await method.probe()).external_address == (wan or None)
    fake.handlers["AddPortMapping"] = lambda _: 501
    failure = await failure_of(method)
    assert failure.reason == "private-wan"
    assert failure.external_address == (wan or None)


async def test_a_gateway_whose_wan_is_down(fake: FakeIgd, method: UpnpMethod) -> None:
    fake.wan = "0.0.0.0"
    fake.handlers["AddPortMapping"] = lambda _: 501
    fake.handlers["GetStatusInfo"] = lambda _: {
        "NewConnectionStatus": "Disconnected",
        "NewLastConnectionError": "X",
        "NewUptime": "0",
    }
    assert (await failure_of(method)).reason == "network-down"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(401, "unsupported"), (501, "failed"), (606, "refused"), (729, "conflict"), (799, "failed")],
)
async def test_other_faults(fake: FakeIgd, method: UpnpMethod, code: int, reason: str) -> None:
    fake.handlers["AddPortMapping"] = lambda _: code
    failure = await failure_of(method)
    assert failure.reason == reason
    assert str(code) in failure.detail


async def test_a_pinhole_is_made_renewed_and_deleted(fake6: FakeIgd, method6: UpnpMethod) -> None:
    fake, method = fake6, method6
    assert (await method.probe()).external_address is None
    grant = await method.map(WISH, None)
    assert grant == Grant("::1", 4242, 7200, None, "7")
    assert fake.pinholes["7"] == {
        "RemoteHost": "",
        "RemotePort": "0",
        "InternalClient": "::1",
        "InternalPort": "4242",
        "Protocol": "6",
        "LeaseTime": "7200",
    }
    assert await method.map(WISH, grant) == grant
    assert fake.actions() == ["AddPinhole", "UpdatePinhole"]
    fake.pinholes = {"8": {}, "9": {}}  # it has been restarted
    again = await method.map(WISH, grant)
    assert again.handle == "9"
    await method.unmap(WISH, again)
    await method.unmap(WISH, again)
    assert "9" not in fake.pinholes
    longest = await method.map(WISH._replace(lifetime_s=0), None)
    assert longest.lifetime_s == 86400


@pytest.mark.parametrize(
    ("code", "reason"), [(606, "refused"), (701, "no-room"), (702, "unsupported"), (703, "refused")]
)
async def test_a_pinhole_is_refused(
    fake6: FakeIgd, method6: UpnpMethod, code: int, reason: str
) -> None:
    fake6.handlers["AddPinhole"] = lambda _: code
    assert (await failure_of(method6)).reason == reason
