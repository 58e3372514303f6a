"""NAT-PMP against a gateway that does as the routers of the world do."""

import struct
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest

from edgenode.reach import natpmp as reach_natpmp
from edgenode.reach.method import Gateway, Grant, MappingFailed, Offer, Wish
from edgenode.reach.natpmp import LONGEST_LIFETIME_S, NatPmpMethod
from tests.unit.reach.fake_gateway import (
    EPOCH_S,
    OWN_IPV4,
    FakeGateway,
    Script,
    always,
    fake_gateway,
    nat_pmp_answer,
    silent,
)

WISH = Wish(4242, 4243, None, 7200, bytes(12), "edgenode")


def method_at(fake: FakeGateway) -> NatPmpMethod:
    return NatPmpMethod(fake.gateway, port=fake.port)


def split(address: Script, mapping: Script) -> Script:
    """Answer the two questions each in its own way."""

    def script(request: bytes) -> Iterable[bytes]:
        return address(request) if request[1] == 0 else mapping(request)

    return script


def right(request: bytes) -> list[bytes]:
    return [nat_pmp_answer(request)]


def map_request(fake: FakeGateway) -> tuple[int, ...]:
    """Give (version, opcode, reserved, internal port, external port, lifetime) of the only one."""
    (request,) = [each for each in fake.requests if each[1]]
    return struct.unpack("!BBHHHI", request)


async def failure(script: Script) -> MappingFailed:
    with fake_gateway(script) as fake, pytest.raises(MappingFailed) as caught:
        await method_at(fake).map(WISH, None)
    return caught.value


async def test_probe() -> None:
    with fake_gateway(right) as fake:
        assert await method_at(fake).probe() == Offer("198.51.100.7", EPOCH_S)
    assert fake.requests == [b"\0\0"]
    assert fake.senders[0][0] == OWN_IPV4


async def test_probe_before_there_is_an_address() -> None:
    with fake_gateway(lambda _: [nat_pmp_answer(_, external="0.0.0.0")]) as fake:
        assert await method_at(fake).probe() == Offer(None, EPOCH_S)


async def test_map() -> None:
    with fake_gateway(right) as fake:
        grant = await method_at(fake).map(WISH, None)
    assert grant == Grant("198.51.100.7", 4243, 7200, EPOCH_S)
    assert map_request(fake) == (0, 2, 0, 4242, 4243, 7200)


async def test_the_longest_lease_and_udp() -> None:
    with fake_gateway(lambda _: [nat_pmp_answer(_, lifetime_s=3600)]) as fake:
        grant = await method_at(fake).map(WISH._replace(lifetime_s=0, protocol="UDP"), None)
    assert map_request(fake) == (0, 1, 0, 4242, 4243, LONGEST_LIFETIME_S)
    assert grant.lifetime_s == 3600


async def test_a_short_lease_and_another_port_are_followed() -> None:
    """ProtonVPN: 60 s, and whatever port."""
    with fake_gateway(lambda _: [nat_pmp_answer(_, lifetime_s=60, external_port=51413)]) as fake:
        grant = await method_at(fake).map(WISH, None)
    assert (grant.external_port, grant.lifetime_s) == (51413, 60)


async def test_renewing_suggests_what_was_granted() -> None:
    with fake_gateway(right) as fake:
        await method_at(fake).map(WISH, Grant("198.51.100.7", 51413, 60, 1))
    assert map_request(fake) == (0, 2, 0, 4242, 51413, 7200)


async def test_unmap() -> None:
    with fake_gateway(right) as fake:
        await method_at(fake).unmap(WISH, Grant("198.51.100.7", 51413, 60, 1))
    assert map_request(fake) == (0, 2, 0, 4242, 0, 0)
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    "address",
    [
        lambda _: [nat_pmp_answer(_, external="0.0.0.0")],
        lambda _: [nat_pmp_answer(_, result=3, external="0.0.0.0")],
        lambda _: [nat_pmp_answer(_, result=3)[:8]],
        silent,
    ],
)
async def test_a_mapping_counts_without_an_address(
    address: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach_natpmp, "ANSWER_DEADLINE_S", 0.2)
    with fake_gateway(split(address, right)) as fake:
        assert await method_at(fake).map(WISH, None) == Grant(None, 4243, 7200, EPOCH_S)


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (1, "unsupported"),
        (2, "refused"),
        (3, "network-down"),
        (4, "no-room"),
        (5, "unsupported"),
        (6, "failed"),
        (999, "failed"),
    ],
)
async def test_refusals(result: int, reason: str, short: bool) -> None:
    def refuse(request: bytes) -> list[bytes]:
        answer = nat_pmp_answer(request, result=result)
        return [answer[:8] if short else answer]

    failed = await failure(split(right, refuse))
    assert (failed.reason, failed.external_address) == (reason, None)


@pytest.mark.parametrize("address", ["10.0.0.2", "100.64.0.2"])
async def test_a_private_wan_shows_in_the_other_answer(address: str) -> None:
    refuse = partial(nat_pmp_answer, result=3, external=address)
    failed = await failure(lambda request: [refuse(request)])
    assert (failed.reason, failed.external_address) == ("private-wan", address)
    with fake_gateway(lambda _: [refuse(_)]) as fake, pytest.raises(MappingFailed) as caught:
        await method_at(fake).probe()
    assert caught.value.reason == "private-wan"


async def test_a_gateway_that_speaks_pcp_alone() -> None:
    """RFC 6887 appendix A."""
    failed = await failure(lambda request: [bytes((2, request[1] | 0x80, 0, 1)) + bytes(20)])
    assert (failed.reason, "PCP" in failed.detail) == ("unsupported", True)


@pytest.mark.parametrize("changes", [{"lifetime_s": 0}, {"external_port": 0}])
async def test_a_mapping_that_is_none(changes: dict[str, Any]) -> None:
    assert (await failure(lambda _: [nat_pmp_answer(_, **changes)])).reason == "malformed"


def of_another(request: bytes) -> list[bytes]:
    """Answers to what was not asked, and garbage."""
    other_port = request[:4] + b"\x10\x93" + request[6:]
    other_opcode = request[:1] + b"\1" + request[2:]
    wrong = [nat_pmp_answer(other_port), nat_pmp_answer(other_opcode), nat_pmp_answer(b"\0\0")]
    return [*wrong, nat_pmp_answer(request)[:15], request, b"", b"\0", b"\xff" * 1200]


async def test_what_answers_something_else_is_ignored() -> None:
    with fake_gateway(split(right, lambda _: [*of_another(_), nat_pmp_answer(_)])) as fake:
        assert (await method_at(fake).map(WISH, None)).lifetime_s == 7200


async def test_nothing_but_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_natpmp, "ANSWER_DEADLINE_S", 0.1)
    assert (await failure(split(right, of_another))).reason == "malformed"


async def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_natpmp, "ANSWER_DEADLINE_S", 0.1)
    assert (await failure(always())).reason == "no-answer"


def test_it_is_for_ipv4() -> None:
    with pytest.raises(ValueError, match="IPv4"):
        NatPmpMethod(Gateway("fe80::1", "lo", "::1", ipv6=True))
