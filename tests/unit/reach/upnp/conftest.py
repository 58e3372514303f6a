"""A fake gateway for each test, at a port of its own for SSDP, and shorter waits."""

import socket
from collections.abc import AsyncIterator

import pytest

from edgenode.reach.igd import finding, ssdp
from edgenode.reach.upnp import UpnpMethod
from tests.unit.reach.fake_igd import FakeIgd

ROUND_S = 0.05
SEARCH_S = 0.3


@pytest.fixture(autouse=True)
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search at another port than a real gateway's, and for tenths of the time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        monkeypatch.setattr(ssdp, "PORT", sock.getsockname()[1])
    rounds = tuple((targets, ROUND_S) for targets, _ in finding.ROUNDS)
    monkeypatch.setattr(finding, "ROUNDS", rounds)
    monkeypatch.setattr(finding, "LINGER_S", ROUND_S)


@pytest.fixture
async def fake() -> AsyncIterator[FakeIgd]:
    gateway = FakeIgd()
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
async def fake6() -> AsyncIterator[FakeIgd]:
    gateway = FakeIgd(ipv6=True)
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
def method(fake: FakeIgd) -> UpnpMethod:
    return UpnpMethod(fake.gateway, search_s=SEARCH_S)


@pytest.fixture
def method6(fake6: FakeIgd) -> UpnpMethod:
    return UpnpMethod(fake6.gateway, search_s=SEARCH_S)
