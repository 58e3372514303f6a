"""PCP against a gateway that does as the routers of the world do."""

import socket
import struct
from functools import partial
from typing import Any

import pytest

from edgenode.reach import pcp as reach_pcp
from edgenode.reach.method import Gateway, Grant, MappingFailed, Offer, Wish
from edgenode.reach.pcp import LONGEST_LIFETIME_S, PcpMethod
from tests.unit.reach.fake_gateway import (
    EPOCH_S,
    OWN_IPV4,
    FakeGateway,
    Script,
    always,
    fake_gateway,
    nat_pmp_answer,
    pcp_answer,
)

NONCE = bytes(range(1, 13))
WISH = Wish(4242, 4243, None, 7200, NONCE, "edgenode")
OWN_MAPPED = bytes(10) + b"\xff\xff" + socket.inet_aton(OWN_IPV4)


def method_at(fake: FakeGateway) -> PcpMethod:
    return PcpMethod(fake.gateway, port=fake.port)


def fields(request: bytes) -> tuple[int, bytes, int, int, int, bytes]:
    """Give (lifetime, nonce, protocol, internal port, external port, external address)."""
    lifetime_s = struct.unpack("!I", request[4:8])[0]
    internal_port, external_port = struct.unpack("!HH", request[40:44])
    return lifetime_s, request[24:36], request[36], internal_port, external_port, request[44:]


async def failure(script: Script, *, wish: Wish = WISH) -> MappingFailed:
    with fake_gateway(script) as fake, pytest.raises(MappingFailed) as caught:
        await method_at(fake).map(wish, None)
    return caught.value


async def test_probe() -> None:
    with fake_gateway(lambda request: [pcp_answer(request)]) as fake:
        assert await method_at(fake).probe() == Offer(None, EPOCH_S)
    assert fake.requests == [bytes((2, 0, 0, 0, 0, 0, 0, 0)) + OWN_MAPPED]


async def test_probe_takes_no_other_answer() -> None:
    """The answer to a mapping, which some other request of ours may have asked for."""

    def script(request: bytes) -> list[bytes]:
        mapping = bytes((2, 0x81, 0, 0)) + bytes(56)
        return [mapping, pcp_answer(request)]

    with fake_gateway(script) as fake:
        assert (await method_at(fake).probe()).epoch_s == EPOCH_S


async def test_probe_of_a_gateway_that_does_not_know_announce() -> None:
    with fake_gateway(lambda request: [pcp_answer(request, result=4)]) as fake:
        assert (await method_at(fake).probe()).epoch_s == EPOCH_S


async def test_probe_shows_a_nat_between() -> None:
    with (
        fake_gateway(lambda request: [pcp_answer(request, result=12)]) as fake,
        pytest.raises(MappingFailed, match="a NAT lies between") as caught,
    ):
        await method_at(fake).probe()
    assert caught.value.reason == "failed"


async def test_map() -> None:
    with fake_gateway(lambda request: [pcp_answer(request)]) as fake:
        grant = await method_at(fake).map(WISH, None)
    assert grant == Grant("198.51.100.7", 4243, 7200, EPOCH_S)
    (request,) = fake.requests
    assert request[:2] == b"\x02\x01"
    assert request[8:24] == OWN_MAPPED
    assert fields(request) == (7200, NONCE, 6, 4242, 4243, bytes(10) + b"\xff\xff" + bytes(4))
    assert fake.senders[0][0] == OWN_IPV4


async def test_the_longest_lease_is_asked_for_and_a_shorter_one_taken() -> None:
    with fake_gateway(lambda request: [pcp_answer(request, lifetime_s=86400)]) as fake:
        grant = await method_at(fake).map(WISH._replace(lifetime_s=0), None)
    assert fields(fake.requests[0])[0] == LONGEST_LIFETIME_S
    assert grant.lifetime_s == 86400


async def test_a_short_lease_and_another_port_are_followed() -> None:
    """ProtonVPN: 60 s, and whatever port."""
    with fake_gateway(lambda _: [pcp_answer(_, lifetime_s=60, external_port=51413)]) as fake:
        grant = await method_at(fake).map(WISH, None)
    assert (grant.external_port, grant.lifetime_s) == (51413, 60)


@pytest.mark.parametrize("external", ["0.0.0.0", "::"])
async def test_no_external_address_yet(external: str) -> None:
    with fake_gateway(lambda request: [pcp_answer(request, external=external)]) as fake:
        assert (await method_at(fake).map(WISH, None)).external_address is None


async def test_a_private_external_address_is_told() -> None:
    with fake_gateway(lambda request: [pcp_answer(request, external="10.0.0.2")]) as fake:
        assert (await method_at(fake).map(WISH, None)).external_address == "10.0.0.2"


async def test_renewing_suggests_what_was_granted() -> None:
    earlier = Grant("9.9.9.9", 51413, 60, 1)
    with fake_gateway(lambda request: [pcp_answer(request, external=None)]) as fake:
        grant = await method_at(fake).map(WISH, earlier)
    expected = bytes(10) + b"\xff\xff\x09\x09\x09\x09"
    assert fields(fake.requests[0]) == (7200, NONCE, 6, 4242, 51413, expected)
    assert grant == Grant("9.9.9.9", 51413, 7200, EPOCH_S)


async def test_after_a_restart_what_there_was_is_suggested() -> None:
    wish = WISH._replace(external_address="9.9.9.9")
    with fake_gateway(lambda request: [pcp_answer(request)]) as fake:
        await method_at(fake).map(wish, None)
    assert fields(fake.requests[0])[5][12:] == b"\x09\x09\x09\x09"


@pytest.mark.parametrize("address", ["10.0.0.2", "2a00::1", "nonsense"])
async def test_no_address_is_suggested_that_cannot_be_one(address: str) -> None:
    wish = WISH._replace(external_address=address)
    with fake_gateway(lambda request: [pcp_answer(request)]) as fake:
        await method_at(fake).map(wish, None)
    assert fields(fake.requests[0])[5] == bytes(10) + b"\xff\xff" + bytes(4)


async def test_unmap() -> None:
    with fake_gateway(lambda request: [pcp_answer(request, external=None)]) as fake:
        await method_at(fake).unmap(WISH, Grant("9.9.9.9", 51413, 60, 1))
    assert fields(fake.requests[0]) == (0, NONCE, 6, 4242, 0, bytes(10) + b"\xff\xff" + bytes(4))


@pytest.mark.parametrize("external", [None, "10.0.0.2"])
async def test_what_is_gone_is_unmapped(external: str | None) -> None:
    """miniupnpd: result 8, also to a deletion repeated because its answer was lost."""
    with fake_gateway(lambda _: [pcp_answer(_, result=8, external=external)]) as fake:
        await method_at(fake).unmap(WISH, Grant(None, 4243, 60, 1))


async def test_unmap_with_another_nonce_is_refused() -> None:
    with (
        fake_gateway(lambda _: [pcp_answer(_, result=2, external=None)]) as fake,
        pytest.raises(MappingFailed) as caught,
    ):
        await method_at(fake).unmap(WISH, Grant(None, 4243, 60, 1))
    assert caught.value.reason == "refused"
    assert len(fake.requests) == 1


async def test_a_pinhole_that_may_not_be_deleted_is_shortened() -> None:
    """miniupnpd 2.3.1 with nftables."""

    def script(request: bytes) -> list[bytes]:
        result = 0 if request[4:8] != bytes(4) else 2
        return [pcp_answer(request, result=result, external="::1")]

    with fake_gateway(script, ipv6=True) as fake:
        await method_at(fake).unmap(WISH, Grant("::1", 4242, 7200, 1))
    assert [fields(request)[0] for request in fake.requests] == [0, 1]
    assert fields(fake.requests[1]) == (1, NONCE, 6, 4242, 4242, bytes(16))


@pytest.mark.parametrize(("result", "reason", "times"), [(2, "refused", 2), (3, "failed", 1)])
async def test_a_pinhole_that_may_be_neither_deleted_nor_shortened(
    result: int, reason: str, times: int
) -> None:
    with (
        fake_gateway(lambda _: [pcp_answer(_, result=result)], ipv6=True) as fake,
        pytest.raises(MappingFailed) as caught,
    ):
        await method_at(fake).unmap(WISH, Grant("::1", 4242, 7200, 1))
    assert caught.value.reason == reason
    assert len(fake.requests) == times


async def test_unmap_ends_in_time_for_the_end_of_the_node() -> None:
    with (
        fake_gateway(lambda request: []) as fake,
        pytest.raises(MappingFailed, match=r"none within 0\.4 s"),
    ):
        await method_at(fake).unmap(WISH, Grant(None, 4243, 60, 1))
    assert 2 <= len(fake.requests) <= 3  # the last may fall on the deadline


async def test_udp() -> None:
    with fake_gateway(lambda request: [pcp_answer(request)]) as fake:
        await method_at(fake).map(WISH._replace(protocol="UDP"), None)
    assert fields(fake.requests[0])[2] == 17


async def test_a_pinhole() -> None:
    """At an IPv6 gateway the port is asked for where it is, whatever the IPv4 mapping has."""
    with fake_gateway(lambda _: [pcp_answer(_, external="::1")], ipv6=True) as fake:
        grant = await method_at(fake).map(WISH._replace(external_address="9.9.9.9"), None)
    assert fake.requests[0][8:24] == bytes(15) + b"\x01"
    assert fields(fake.requests[0]) == (7200, NONCE, 6, 4242, 4242, bytes(16))
    assert grant == Grant("::1", 4242, 7200, EPOCH_S)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (1, "unsupported"),
        (2, "refused"),
        (3, "failed"),
        (4, "unsupported"),
        (5, "failed"),
        (6, "failed"),
        (7, "network-down"),
        (8, "no-room"),
        (9, "unsupported"),
        (10, "no-room"),
        (11, "conflict"),
        (12, "failed"),
        (13, "failed"),
        (200, "failed"),
    ],
)
async def test_refusals(result: int, reason: str) -> None:
    """As RFC 6887 section 8.3 has them, with the request repeated, and without an address."""
    refusal = partial(pcp_answer, result=result, lifetime_s=30, external=None)
    failed = await failure(lambda request: [refusal(request)])
    assert (failed.reason, failed.external_address) == (reason, None)
    assert "for 30 s" in failed.detail


@pytest.mark.parametrize("result", [7, 8])
@pytest.mark.parametrize("address", ["10.0.0.2", "192.168.1.2", "100.64.0.2", "203.0.113.5"])
async def test_a_private_wan_shows_in_the_refusal(result: int, address: str) -> None:
    """miniupnpd: result 8, with its own address where the request's suggestion was."""
    refusal = partial(pcp_answer, result=result, external=address)
    failed = await failure(lambda request: [refusal(request)])
    assert (failed.reason, failed.external_address) == ("private-wan", address)


@pytest.mark.parametrize("address", ["0.0.0.0", "9.9.9.9", OWN_IPV4])
async def test_other_addresses_in_a_refusal_show_nothing(address: str) -> None:
    refusal = partial(pcp_answer, result=8, external=address)
    assert (await failure(lambda request: [refusal(request)])).reason == "no-room"


@pytest.mark.parametrize("refusal", [b"\0\x80\0\1\0\0\0\7", b"\0\x81\0\1\0\0\0\7\0\0\0\0"])
async def test_a_gateway_that_speaks_nat_pmp_alone(refusal: bytes) -> None:
    failed = await failure(always(refusal))
    assert (failed.reason, "NAT-PMP" in failed.detail) == ("unsupported", True)
    with fake_gateway(always(refusal)) as fake, pytest.raises(MappingFailed) as caught:
        await method_at(fake).probe()
    assert caught.value.reason == "unsupported"


async def test_a_gateway_that_speaks_an_earlier_version() -> None:
    failed = await failure(always(b"\1\x81\0\1" + bytes(20)))
    assert (failed.reason, "version 1" in failed.detail) == ("unsupported", True)


@pytest.mark.parametrize("changes", [{"lifetime_s": 0}, {"external_port": 0}])
async def test_a_mapping_that_is_none(changes: dict[str, Any]) -> None:
    failed = await failure(lambda request: [pcp_answer(request, **changes)])
    assert failed.reason == "malformed"


def of_another(request: bytes) -> list[bytes]:
    """Answers to what was not asked, each wrong in one thing, and garbage."""
    right = bytearray(pcp_answer(request, external_port=6666))
    wrong = []
    for place in (1, 24, 35, 36, 40, 41):  # opcode, nonce, protocol, internal port
        wrong.append(bytes(right))
        wrong[-1] = wrong[-1][:place] + bytes((wrong[-1][place] ^ 2,)) + wrong[-1][place + 1 :]
    announce = pcp_answer(request[:1] + b"\0" + request[2:24])
    return [*wrong, request, announce, bytes(right[:-4]), bytes(right) + b"\0" * 1100, b"", b"\2"]


async def test_what_answers_something_else_is_ignored() -> None:
    with fake_gateway(lambda _: [*of_another(_), pcp_answer(_)]) as fake:
        assert (await method_at(fake).map(WISH, None)).external_port == 4243
    assert len(fake.requests) == 1


async def test_nothing_but_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_pcp, "ANSWER_DEADLINE_S", 0.1)
    failed = await failure(of_another)
    assert failed.reason == "malformed"


async def test_nat_pmp_success_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_pcp, "ANSWER_DEADLINE_S", 0.1)
    failed = await failure(lambda _request: [nat_pmp_answer(b"\0\0")])
    assert failed.reason == "malformed"


def test_an_own_address_that_is_none() -> None:
    with pytest.raises(ValueError, match="not an address"):
        PcpMethod(Gateway("127.0.0.8", "lo", "eth0", ipv6=False))
