"""Whether a gateway has booted since: asked by one datagram, where it answers that."""

import pytest

from edgenode.reach.igd import verifying
from edgenode.reach.method import Offer, Wish
from edgenode.reach.upnp import UpnpMethod
from tests.unit.reach.fake_igd import IGD1, FakeIgd

WISH = Wish(4242, 14242, None, 7200, b"n" * 12, "edgenode")
FIRST = "BOOTID.UPNP.ORG: 7\r\n"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "WAITS_S", (0.1, 0.1, 0.1))
    monkeypatch.setattr(verifying, "OTHERS_S", 0.05)


async def mapped(fake: FakeIgd, method: UpnpMethod, boot: str = FIRST) -> str:
    """Map, forget the searches and calls so far, and return the boot that was told."""
    fake.boot = boot
    grant = await method.map(WISH, None)
    fake.searches.clear()
    fake.calls.clear()
    return grant.boot


@pytest.mark.parametrize("boot", [FIRST, "01-NLS: abc\r\n", "01-nls: a\r\nBootId.upnp.org: 1\r\n"])
async def test_the_same_boot_is_one_datagram(fake: FakeIgd, method: UpnpMethod, boot: str) -> None:
    told = await mapped(fake, method, boot)
    assert told
    for _ in range(3):
        fake.searches.clear()
        assert await method.verify() == Offer(None, None, told)
        assert [search.multicast for search in fake.searches] == [False]
    assert not fake.calls


@pytest.mark.parametrize("boot", ["BOOTID.UPNP.ORG: 8\r\n", ""])
async def test_another_boot_is_told(fake: FakeIgd, method: UpnpMethod, boot: str) -> None:
    before = await mapped(fake, method)
    fake.boot = boot
    offer = await method.verify()
    assert offer.boot != before
    assert bool(offer.boot) == bool(boot)
    assert (await method.verify()).boot == offer.boot  # and is the one known from then on


async def test_another_place_of_the_description_is_another_boot(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    before = await mapped(fake, method)
    await fake.start_http()  # some count no boots, but take another port
    assert (await method.verify()).boot not in ("", before)


async def test_a_gateway_that_tells_no_boot_is_not_asked(fake: FakeIgd, method: UpnpMethod) -> None:
    assert await mapped(fake, method, "") == ""
    assert await method.verify() == Offer(None, None)
    assert not fake.searches


async def test_one_that_answers_multicast_alone_is_asked_so_from_then_on(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    fake.answers_unicast = False
    told = await mapped(fake, method)
    assert (await method.verify()).boot == told
    fake.searches.clear()
    assert (await method.verify()).boot == told
    assert [search.multicast for search in fake.searches] == [True]


async def test_one_that_is_silent_is_asked_no_more(fake: FakeIgd, method: UpnpMethod) -> None:
    await mapped(fake, method)
    fake.answers_targets = ()
    assert (await method.verify()).boot == ""
    assert len(fake.searches) == 5
    assert (await method.verify()).boot == ""
    assert len(fake.searches) == 5
    fake.answers_targets = (IGD1,)
    assert (await method.probe()).boot  # until it is found again


async def test_a_second_device_in_one_box_is_not_taken_for_it(
    fake: FakeIgd, method: UpnpMethod
) -> None:
    told = await mapped(fake, method)
    fake.locations = [f"http://{fake.address}:1/other.xml", fake.location]
    assert (await method.verify()).boot == told


async def test_neighbours_are_not_heard(fake: FakeIgd, method: UpnpMethod) -> None:
    told = await mapped(fake, method)
    fake.answer_source = fake.socket_at(fake.other)
    fake.boot = "BOOTID.UPNP.ORG: 9\r\n"
    assert (await method.verify()).boot == ""
    assert told


async def test_by_ipv6(fake6: FakeIgd, method6: UpnpMethod) -> None:
    told = await mapped(fake6, method6)
    assert (await method6.verify()).boot == told
    fake6.boot = "BOOTID.UPNP.ORG: 8\r\n"
    assert (await method6.verify()).boot not in ("", told)
